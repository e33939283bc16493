"""How a service is asked for its metrics: bounded in time and in size, and every refusal a sentence."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest
from dashboard.scraping import NoAnswer, fetch

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer_with(text: bytes, *, then_wait: bool = False) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /metrics HTTP/1.1\r\n")
        writer.write(text)
        if then_wait:
            await reader.read()  # until the client has gone

    return answer


async def ask(answer: Answer, *, limit_s: float = 10.0, limit_bytes: int = 1000) -> str:
    over = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await answer(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        over.set()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        try:
            return await fetch(f"http://127.0.0.1:{port}/metrics", limit_s=limit_s, limit_bytes=limit_bytes)
        finally:
            await over.wait()


def test_the_text_is_returned_chunks_put_together() -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na 1\r\n2\r\n\nb\r\n0\r\n\r\n"
    assert asyncio.run(ask(answer_with(chunks))) == "a 1\nb"
    assert asyncio.run(ask(answer_with(b"HTTP/1.0 200 OK\r\n\r\na 1\n"))) == "a 1\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP 404"),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://evil.example/\r\n\r\n", "HTTP 301"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"a" * 1001, "more than 1000 bytes"),
        (b"+PONG\r\n", "not an answer of an HTTP server"),
        (b"", "not an answer of an HTTP server"),
    ],
)
def test_what_is_no_text_of_metrics_is_said(answer: bytes, why: str) -> None:
    with pytest.raises(NoAnswer, match=why):
        asyncio.run(ask(answer_with(answer)))


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"])
def test_a_service_that_hangs_is_not_waited_for(begun: bytes) -> None:
    with pytest.raises(NoAnswer, match=r"no answer within 0\.05 s"):
        asyncio.run(asyncio.wait_for(ask(answer_with(begun, then_wait=True), limit_s=0.05), 2))


def test_where_nothing_listens_that_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoAnswer, match="connection refused"):
        asyncio.run(fetch(f"http://127.0.0.1:{port}/metrics"))
