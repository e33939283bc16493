"""The Redis clients of this process: one a patience, and one connection a thread for cheap questions."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

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


class ThreadConnection(threading.local):
    """A connection of each thread's own: a command costs half of what it does through a pool and a client."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._url = ""
        self._connection: Any = None

    def ask(self, *command: str) -> Any:
        """Answers what Redis answers; one that a restart closed is opened again.

        Raises:
            redis.RedisError: no answer in time, or an error as the answer.
        """
        import redis

        if self._url != settings.REDIS_URL:
            self._url = settings.REDIS_URL
            self._connection = redis_client(timeout_s=self._timeout_s).connection_pool.make_connection()
        try:
            return self._answer(*command)
        except redis.ConnectionError:
            return self._answer(*command)

    def _answer(self, *command: str) -> Any:
        self._connection.send_command(*command)
        return self._connection.read_response()
