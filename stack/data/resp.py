"""Redis commands over one connection (RESP 2), for the few that moving a stack's data needs.

redis-py does the same and much more; importing it costs a third of what ``inv reset-db`` may take.
Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from stack.data.stores import Redis
from stack.errors import ServiceFailed

TIMEOUT_S = 30.0


class Connection:
    """One connection; a command is bytes or text, an answer is bytes, int, list or None."""

    def __init__(self, link: socket.socket, answers: BinaryIO) -> None:
        self._link, self._answers = link, answers

    def call(self, *words: bytes | str | int) -> Any:
        """Return what Redis answers.

        Raises:
            ServiceFailed: it answers with an error.
        """
        return self.pipeline([words])[0]

    def pipeline(self, commands: list[tuple[bytes | str | int, ...]]) -> list[Any]:
        """Return what Redis answers to several commands that are sent together.

        Raises:
            ServiceFailed: it answers one of them with an error.
        """
        self._link.sendall(b"".join(_frame(words) for words in commands))
        return [self._value() for _ in commands]

    def _value(self) -> Any:
        line = self._answers.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            text = rest.decode(errors="replace").rstrip(".")
            raise ServiceFailed(f"Redis refused: {text}.", hint="See `inv logs`.")
        if kind == b":":
            return int(rest)
        if kind == b"*":
            return [self._value() for _ in range(int(rest))] if int(rest) >= 0 else None
        if kind == b"$":
            return self._answers.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
        if kind == b"+":
            return rest
        raise ServiceFailed("Redis closed the connection.", hint="See `inv logs`.")


def _frame(words: Sequence[bytes | str | int]) -> bytes:
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def is_running(redis: Redis) -> bool:
    """Return whether the server runs, hanging perhaps: one that was stopped takes no question."""
    try:
        with socket.create_connection((redis.host, redis.port), TIMEOUT_S) as link:
            link.sendall(_frame(["PING"]))
            return bool(link.recv(1))  # an answer, be it that a password is needed
    except (ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
        return False
    except OSError as error:
        raise _does_not_answer(redis, error) from error


@contextmanager
def session(redis: Redis) -> Iterator[Connection]:
    """Give a connection to the stack's Redis.

    Raises:
        ServiceFailed: it does not answer.
    """
    try:
        with (
            socket.create_connection((redis.host, redis.port), TIMEOUT_S) as link,
            link.makefile("rb") as answers,
        ):
            connection = Connection(link, answers)
            if redis.password:
                connection.call("AUTH", *([redis.user] if redis.user else []), redis.password)
            yield connection
    except OSError as error:
        raise _does_not_answer(redis, error) from error


def _does_not_answer(redis: Redis, error: OSError) -> ServiceFailed:
    return ServiceFailed(
        f"Redis at {redis.host}:{redis.port} does not answer ({error}).", hint="See `inv logs`."
    )
