"""Sockets made ahead: each is given once, however many are wanted at once."""

from __future__ import annotations

import asyncio
import os

import pytest

from stack.engines.local import bridge_sockets
from stack.engines.local.bridge_sockets import BATCH, BridgeSockets
from stack.system import network_namespace


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> BridgeSockets:
    monkeypatch.setattr(network_namespace, "_call", lambda *arguments: None)  # stays in this network
    return BridgeSockets(0)


def test_every_taker_gets_a_socket_of_its_own_that_does_not_block(sockets: BridgeSockets) -> None:
    async def take_many() -> set[int]:
        taken = await asyncio.gather(*(sockets.take() for _ in range(3 * BATCH)))
        assert not any(connection.getblocking() for connection in taken)
        numbers = {connection.fileno() for connection in taken}
        for connection in taken:
            connection.close()
        await sockets.close()
        return numbers

    assert len(asyncio.run(take_many())) == 3 * BATCH


def test_what_was_not_taken_is_closed(sockets: BridgeSockets) -> None:
    before = len(os.listdir("/proc/self/fd"))

    async def take_one() -> None:
        (await sockets.take()).close()
        await sockets.close()

    asyncio.run(take_one())
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_failure_to_make_sockets_reaches_who_asks(
    sockets: BridgeSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> list[object]:
        raise OSError(24, "Too many open files")

    async def take_one() -> None:
        with pytest.raises(OSError, match="Too many open files"):
            await sockets.take()
        await sockets.close()

    monkeypatch.setattr(bridge_sockets, "_new_sockets", refuse)
    asyncio.run(take_one())
