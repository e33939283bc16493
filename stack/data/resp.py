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
Command = tuple[bytes | str | int, ...]


class Refused(ServiceFailed):
    """Redis answered with an error, of which ``word`` is the kind: OOM, READONLY, NOAUTH ..."""

    def __init__(self, text: str, service: str) -> None:
        hint = f"See `inv logs {service}`; `inv restart {service}` starts it as its compose file says."
        super().__init__(f"Redis refused: {text}.", hint=hint)
        self.word = text.partition(" ")[0]


class Connection:
    """One connection; a command is bytes or text, an answer is bytes, int, list or None."""

    def __init__(self, link: socket.socket, answers: BinaryIO, service: str) -> None:
        self._link, self._answers, self._service = link, answers, service

    def call(self, *words: bytes | str | int) -> Any:
        """Return what Redis answers.

        Raises:
            ServiceFailed: it answers with an error.
        """
        return self.pipeline([words])[0]

    def pipeline(self, commands: list[Command]) -> list[Any]:
        """Return what Redis answers to several commands that are sent together.

        Raises:
            ServiceFailed: it answers one of them, also within a transaction, with an error: the first.
        """
        self._link.sendall(b"".join(_frame(words) for words in commands))
        answers = [self._value() for _ in commands]
        for refusal in _refusals(answers):
            raise refusal
        return answers

    def _value(self) -> Any:
        line = self._answers.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            text = rest.decode(errors="replace").rstrip(".")
            return Refused(text, self._service)
        if kind == b":":
            return int(rest)
        if kind == b"*":
            return [self._value() for _ in range(int(rest))] if int(rest) >= 0 else None
        if kind == b"$":
            return self._answers.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
        if kind == b"+":
            return rest
        raise ServiceFailed("Redis closed the connection.", hint="See `inv logs`.")


def _refusals(answers: list[Any]) -> Iterator[Refused]:
    for answer in answers:
        if isinstance(answer, list):
            yield from _refusals(answer)
        elif isinstance(answer, Refused):
            yield answer


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
            connection = Connection(link, answers, redis.service)
            if redis.password:
                connection.call("AUTH", *([redis.user] if redis.user else []), redis.password)
            yield connection
    except OSError as error:
        raise _does_not_answer(redis, error) from error


def _does_not_answer(redis: Redis, error: OSError) -> ServiceFailed:
    return ServiceFailed(
        f"Redis at {redis.host}:{redis.port} does not answer ({error}).", hint="See `inv logs`."
    )
