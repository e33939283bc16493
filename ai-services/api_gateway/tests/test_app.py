"""The application's life: what it opens and what it closes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway import app, tracing
from gateway.settings import Settings


def test_spans_that_wait_are_sent_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    state: dict[str, Any] = {}
    monkeypatch.setattr(tracing, "stop", lambda: events.append("spans are sent"))
    served = app.create_app(Settings())

    async def live() -> None:
        told = iter(("lifespan.startup", "lifespan.shutdown"))

        async def receive() -> dict[str, str]:
            return {"type": next(told)}

        async def send(message: Any) -> None:
            events.append(message["type"])

        await served({"type": "lifespan", "state": state}, receive, send)

    asyncio.run(live())
    assert set(state) == {"settings", "upstream", "readiness"}
    assert events == ["lifespan.startup.complete", "spans are sent", "lifespan.shutdown.complete"]
