"""The Redis clients of this process, one for each timeout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    import redis

_clients: dict[tuple[str, float], redis.Redis] = {}


def redis_client(*, timeout_s: float = 1.0) -> redis.Redis:
    """Return a pooled client whose commands time out after `timeout_s`; it connects when first used."""
    key = (settings.REDIS_URL, timeout_s)
    if key not in _clients:
        _clients[key] = _make_client(*key)
    return _clients[key]


def close_clients() -> None:
    """Close all connections; the next command connects again."""
    for client in _clients.values():
        client.close()
    _clients.clear()


def _make_client(url: str, timeout_s: float) -> redis.Redis:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # A connection that a restart closed is worth a second try; a server that hangs is not.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=retry)
