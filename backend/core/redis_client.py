"""The Redis clients of this process, one a patience."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    import redis


@lru_cache(maxsize=8)
def _client_of(url: str, timeout_s: float) -> redis.Redis:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # A connection that a restart closed is worth a second try; a server that hangs is not.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=retry)


def redis_client(*, timeout_s: float = 1.0) -> redis.Redis:
    """Answers a pooled client that waits so long for an answer; it connects when it is first used."""
    return _client_of(settings.REDIS_URL, timeout_s)
