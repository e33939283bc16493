"""Probes: one question to one service, and the observation. Each ends by its timeout."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from stack.errors import CommandFailed

Kind = Literal["ok", "refused", "hang", "no end", "slow", "wrong", "no program"]
PASSING = frozenset({408, 421, 425, 429})
"""The client errors that waiting may change (RFC 9110, RFC 8470, RFC 6585)."""

NOT_RUN = frozenset({126, 127})
"""A shell's codes for a program that is missing or cannot be executed (POSIX, 2.8.2)."""

TAG = re.compile(r"<(style|script)\b.*?(</\1>|$)|<[^>]*>?", re.DOTALL | re.IGNORECASE)
"""What of a page of HTML nobody reads."""

_CURL_FOR_EVER = re.compile(r"curl: \((?:1|2|3|60)\)|SSL.*wrong version number")
"""What curl says of an address that it never reaches: malformed, untrusted, of another protocol (curl(1))."""

HTTP_FIELDS = "Host: localhost\r\nUser-Agent: stack-probe\r\nConnection: close"
EVIDENCE_S = 0.2
"""How long to wait for the body of an error status: it is evidence only."""

Execute = Callable[[tuple[str, ...], float], Awaitable[tuple[int, str]]]
"""Run an argv where the service runs, for at most some seconds; return its exit code and output."""

Connecting = Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
Connect = Callable[[str, int], Connecting]
"""Opens a connection to a host and port, as the service would see them."""


async def connect_from_here(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection on this machine's network."""
    return await asyncio.open_connection(host, port)


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one probe observed. ``refused``: no connection; ``hang``: connected, but no answer in time.

    ``no end``: the command of the check was still running when its time was over;
    ``slow``: an answer, but after the timeout of the health check; ``no program``: the check cannot be run;
    ``permanent``: waiting does not change it.
    """

    kind: Kind
    detail: str
    permanent: bool = False


CLOSED = Observation(kind="refused", detail="connection closed without an answer")
"""What a published port of a container shows before anything listens behind it, and a server that dies."""


class Probe(Protocol):
    """Asks once; raises OSError where there is no connection. The caller ends it at the timeout."""

    @property
    def question(self) -> str: ...

    async def ask(self) -> Observation: ...


@dataclass(frozen=True, kw_only=True)
class HttpProbe:
    """``curl -f URL``: any status below 400 is a success (curl(1), --fail); without ``-f`` every one is."""

    host: str
    port: int
    path: str
    any_status: bool = False
    connect: Connect = connect_from_here

    @property
    def question(self) -> str:
        return f"GET http://{self.host}:{self.port}{self.path}"

    async def ask(self) -> Observation:
        request = f"GET {self.path} HTTP/1.1\r\n{HTTP_FIELDS}\r\n\r\n"
        answer = await _exchange(self.connect, self.host, self.port, request.encode(), until=b"\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
            return _no_answer(answer, "HTTP")
        status = int(words[1])
        if status < 400 or self.any_status:
            return Observation(kind="ok", detail=f"HTTP {status}")
        permanent = status < 500 and status not in PASSING
        return Observation(kind="wrong", detail=f"HTTP {status} {_words(body)}".strip(), permanent=permanent)


@dataclass(frozen=True, kw_only=True)
class RedisProbe:
    """``redis-cli ping`` (https://redis.io/commands/ping): it ends with 0 where a password is missing."""

    host: str
    port: int
    needs_pong: bool = False
    connect: Connect = connect_from_here

    @property
    def question(self) -> str:
        return f"PING {self.host}:{self.port}"

    async def ask(self) -> Observation:
        answer = await _exchange(self.connect, self.host, self.port, b"PING\r\n", until=b"\r\n")
        if answer.startswith(b"+PONG" if self.needs_pong else (b"+PONG", b"-NOAUTH")):
            return Observation(kind="ok", detail="PONG")
        if answer.startswith(b"-"):
            said = answer[1:200].decode(errors="replace").strip()
            return Observation(kind="wrong", detail=said, permanent=said.startswith(("NOPERM", "NOAUTH")))
        return _no_answer(answer, "Redis")


@dataclass(frozen=True, kw_only=True)
class CommandProbe:
    """Any other health check, executed as written where the service runs."""

    argv: tuple[str, ...]
    execute: Execute
    timeout_s: float

    @property
    def question(self) -> str:
        return shlex.join(self.argv)

    async def ask(self) -> Observation:
        code, output = await self.execute(self.argv, self.timeout_s)
        last_line = output.strip().rpartition("\n")[2][-200:]
        detail = f"exit code {code}: {last_line}" if last_line else f"exit code {code}"
        if code == 0:
            return Observation(kind="ok", detail=detail)
        if code in NOT_RUN or last_line.endswith(": not found"):
            return Observation(kind="no program", detail=detail)
        if self._no_connection(code, output):
            return Observation(kind="refused", detail=detail)
        permanent = _CURL_FOR_EVER.search(output) is not None
        return Observation(kind="wrong", detail=detail, permanent=permanent)

    def _no_connection(self, code: int, output: str) -> bool:
        """Return whether curl or wget could not connect (curl(1), EXIT CODES: 7)."""
        words = {word.rsplit("/", 1)[-1] for part in self.argv for word in part.split()}
        return ("curl" in words and code == 7) or "curl: (7)" in output or "Connection refused" in output


async def observe(probe: Probe, timeout_s: float) -> Observation:
    """Ask once and return the observation, within ``timeout_s``."""
    try:
        async with asyncio.timeout(timeout_s):
            result = await probe.ask()
        return result if result.kind == "ok" else replace(result, detail=f"{probe.question}: {result.detail}")
    except TimeoutError:
        if isinstance(probe, CommandProbe):
            return Observation(kind="no end", detail=f"{probe.question}: did not end in {timeout_s:.2g} s")
        return Observation(kind="hang", detail=f"{probe.question}: no answer in {timeout_s:.2g} s")
    except CommandFailed as error:
        return Observation(kind="no end" if error.timed_out else "no program", detail=error.message)
    except ConnectionRefusedError:
        return Observation(kind="refused", detail=f"{probe.question}: connection refused")
    except OSError as error:
        return Observation(kind="refused", detail=f"{probe.question}: {error.strerror or error}")


async def _exchange(connect: Connect, host: str, port: int, request: bytes, *, until: bytes) -> bytes:
    """Send ``request`` and return what arrived up to the end of the stream (64 KiB at most)."""
    reader, writer = await connect(host, port)
    try:
        writer.write(request)
        await writer.drain()
        answer = b""
        while len(answer) < 65536 and (chunk := await reader.read(4096)):
            answer += chunk
            if until in answer:
                return answer + await _rest(reader) if _is_error_status(answer) else answer
        return answer
    finally:
        writer.close()


def _is_error_status(answer: bytes) -> bool:
    """Return whether this is an HTTP error, whose body may come in a packet of its own."""
    return answer.startswith(b"HTTP/") and answer[8:10] in {b" 4", b" 5"}


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(EVIDENCE_S):
            return await reader.read(4096)
    except TimeoutError:
        return b""


def _words(body: bytes) -> str:
    """Return the beginning of a body in one line, of a page of HTML what people read of it."""
    text = body.decode(errors="replace").strip()
    return " ".join((TAG.sub(" ", text) if text.startswith("<") else text).split())[:200]


def _no_answer(answer: bytes, protocol: str) -> Observation:
    if not answer:
        return CLOSED
    return Observation(kind="wrong", detail=f"not {protocol}: {answer[:80].decode(errors='replace')!r}")
