"""What a thread has read from Redis, kept in the process until Redis says that it changed.

Redis' own client-side caching (CLIENT TRACKING over RESP3,
https://redis.io/docs/latest/develop/reference/client-side-caching/): the connection that read a key is told
when the key changes. A read looks at what was told first, so it never answers what Redis has called old.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings

from core.redis_client import redis_client

if TYPE_CHECKING:
    import redis

KEPT_AT_MOST = 256
TRUSTED_S = 1.0  # a Redis that hangs tells nobody of a change


class NearCache(threading.local):
    """One connection and its kept values for each thread: nothing is shared, so nothing is locked."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._url = ""
        self._connection: redis.Connection | None = None
        self._kept: dict[bytes, tuple[bytes, float]] = {}

    def near(self, key: str) -> bytes | None:
        """Answers the value of a key; asks Redis if it changed, or was read more than TRUSTED_S ago.

        Raises:
            redis.RedisError: no answer in time, or an error as the answer.
        """
        return self._with_second_try(lambda connection: self._near(connection, key.encode()))

    def ask(self, *command: str) -> Any:
        """Answers what Redis answers now.

        Raises:
            redis.RedisError: no answer in time, or an error as the answer.
        """
        return self._with_second_try(lambda connection: _answer(connection, *command))

    def _near(self, connection: redis.Connection, key: bytes) -> bytes | None:
        while connection.can_read(timeout=0):
            connection.read_response(push_request=True)
        value, until_s = self._kept.get(key, (b"", 0.0))
        return value if time.monotonic() < until_s else self._read(connection, key)

    def _read(self, connection: redis.Connection, key: bytes) -> bytes | None:
        until_s = time.monotonic() + TRUSTED_S
        value = _answer(connection, "GET", key)
        if value is not None:
            if len(self._kept) >= KEPT_AT_MOST:
                self._kept.clear()
            self._kept[key] = (value, until_s)
        return value

    def _with_second_try(self, question: Callable[[redis.Connection], Any]) -> Any:
        """Asks again where a restart of Redis closed the connection; an error leaves no connection behind."""
        import redis

        try:
            return self._asked(question)
        except redis.ConnectionError:
            return self._asked(question)

    def _asked(self, question: Callable[[redis.Connection], Any]) -> Any:
        try:
            return question(self._connected())
        except BaseException:
            self._drop()
            raise

    def _connected(self) -> redis.Connection:
        if self._connection is None or self._url != settings.REDIS_URL:
            self._drop()
            self._url = settings.REDIS_URL
            self._connection = redis_client(timeout_s=self._timeout_s).connection_pool.make_connection()
            self._connection._parser.set_invalidation_push_handler(self._changed)
            _answer(self._connection, "CLIENT", "TRACKING", "ON")
        return self._connection

    def _changed(self, told: list[Any]) -> None:
        """Forgets the keys that Redis names; none named means all of them (FLUSHALL)."""
        _, keys = told
        if keys is None:
            self._kept.clear()
        for key in keys or ():
            self._kept.pop(key, None)

    def _drop(self) -> None:
        """Forgets everything: without its connection nothing would be told of a change."""
        self._kept.clear()
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None


def _answer(connection: redis.Connection, *command: str | bytes) -> Any:
    connection.send_command(*command)
    return connection.read_response()
