"""A client that leaves, a task that is cancelled from elsewhere, and both at once."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable

import pytest

from gateway.proxy.body import ClientDisconnected, cancel_on_disconnect, read_body
from gateway.proxy.shares import Shares
from tests.backend import Backend
from tests.conftest import Gateway


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def ended(*, leaves: bool = False, is_cancelled: bool = False, pause_s: float = 30) -> bool:
    """Return whether a block ended by itself, while its client may leave and its task be cancelled."""
    left, started = asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, str]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def work() -> bool:
        async with cancel_on_disconnect(receive):
            started.set()
            await asyncio.sleep(pause_s)
        return True

    task = asyncio.create_task(work())
    await started.wait()
    if leaves:
        left.set()
        while not task.cancelling():
            await asyncio.sleep(0)
    if is_cancelled:
        task.cancel()
    return await task


def test_a_block_whose_client_stays_ends_by_itself() -> None:
    assert asyncio.run(ended(pause_s=0))


def test_the_block_of_a_client_that_left_is_ended() -> None:
    with pytest.raises(ClientDisconnected):
        asyncio.run(ended(leaves=True))


@pytest.mark.parametrize("leaves", [False, True])
def test_a_task_that_is_cancelled_from_elsewhere_is_cancelled(leaves: bool) -> None:
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ended(leaves=leaves, is_cancelled=True))


def test_a_client_that_leaves_after_the_block_cancels_nothing_more() -> None:
    left = asyncio.Event()

    async def receive() -> dict[str, str]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def work() -> str:
        async with cancel_on_disconnect(receive):
            await asyncio.sleep(0)
        left.set()
        await asyncio.sleep(0.01)
        return "done"

    assert asyncio.run(work()) == "done"


def test_a_body_that_breaks_off_is_no_body() -> None:
    messages = iter(
        [{"type": "http.request", "body": b"pay", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> dict[str, object]:
        return next(messages)

    with Shares(10, 10).open("a") as share, pytest.raises(ClientDisconnected):
        asyncio.run(read_body(receive, [], deadline_s=10, memory=share))


def test_a_request_whose_client_left_keeps_its_slot_until_the_backend_responds(
    serve: Callable[..., Gateway], backend: Backend
) -> None:
    """The backend works on: who sends and leaves, again and again, would take all of it."""
    gateway = serve(connections=1)
    with contextlib.closing(gateway.connect()) as leaving:
        leaving.request("GET", "/api/v1/waits")
        assert backend.waiting.acquire(timeout=60)
    wait_until(lambda: not gateway.server.server_state.connections)
    assert gateway.request("GET", "/api/v1/x")[0].status == 503
    backend.release.set()
    wait_until(lambda: gateway.request("GET", "/api/v1/x")[0].status == 200)


def test_a_failure_that_nobody_waits_for_any_more_is_no_error(
    serve: Callable[..., Gateway], backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = serve(connections=1, deadline_s=0.5)
    with contextlib.closing(gateway.connect()) as leaving:
        leaving.request("GET", "/api/v1/waits")
        assert backend.waiting.acquire(timeout=60)
    wait_until(lambda: gateway.request("GET", "/api/v1/x")[0].status == 200)
    gc.collect()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []
    assert "no response from the backend: TimeoutError" in caplog.text
