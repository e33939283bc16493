"""The one Redis client of this process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    import redis

TIMEOUT_S = 1.0


@lru_cache(maxsize=4)
def _client_of(url: str) -> redis.Redis:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 1)
    )


def redis_client() -> redis.Redis:
    """Answers a pooled client with short timeouts; it connects when it is first used."""
    return _client_of(settings.REDIS_URL)
