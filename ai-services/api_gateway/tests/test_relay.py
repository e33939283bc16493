"""A response on its way to the client: how long it may take, step by step and in all."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import ClientResponse

from gateway.proxy.endpoint import relay
from gateway.settings import Settings


class Content:
    """Chunks that come one after the other, each after a pause."""

    def __init__(self, chunks: int, pause_s: float) -> None:
        self.left, self.pause_s = chunks, pause_s

    async def readany(self) -> bytes:
        await asyncio.sleep(self.pause_s)
        self.left -= 1
        return b"x"

    def at_eof(self) -> bool:
        return self.left == 0


def relayed(chunks: int, pause_s: float, **limits: float) -> list[dict[str, Any]]:
    """Return what is sent to the client of a response in chunks."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    response = SimpleNamespace(status=200, raw_headers=(), content=Content(chunks, pause_s))
    asyncio.run(relay(cast(ClientResponse, response), send, Settings(**limits)))  # type: ignore[arg-type]
    return sent


def test_a_response_may_take_longer_than_its_longest_pause() -> None:
    start, *parts = relayed(6, 0.1, idle_s=0.5, response_s=60)
    assert start["status"] == 200
    assert [part["more_body"] for part in parts] == [True] * 5 + [False]
    assert b"".join(part["body"] for part in parts) == b"x" * 6


@pytest.mark.parametrize(
    ("pause_s", "limits"),
    [(30, {"idle_s": 0.2, "response_s": 60}), (0.1, {"idle_s": 10, "response_s": 0.35})],
)
def test_a_response_that_takes_too_long_is_left_incomplete(pause_s: float, limits: dict[str, float]) -> None:
    began = time.monotonic()
    _, *parts = relayed(1000, pause_s, **limits)
    assert time.monotonic() - began < 10
    assert all(part["more_body"] for part in parts)
    assert len(parts) < 10
