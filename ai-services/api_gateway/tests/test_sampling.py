"""Requests take the traced application if the sampler takes them, the plain one if not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult

from gateway.sampling import RequestTraceIds, SampledRequests


class Asked(Sampler):
    """Decides as another sampler, and keeps the trace ids that it was asked about."""

    def __init__(self, decider: Sampler) -> None:
        self.decider = decider
        self.trace_ids: list[int] = []

    def should_sample(self, parent_context: Any, trace_id: int, *words: Any, **more: Any) -> SamplingResult:
        self.trace_ids.append(trace_id)
        return self.decider.should_sample(parent_context, trace_id, *words, **more)

    def get_description(self) -> str:
        return "Asked"


@pytest.mark.parametrize(("decider", "taken"), [(ALWAYS_ON, "traced"), (ALWAYS_OFF, "plain")])
def test_the_sdk_gives_the_request_the_trace_id_that_the_sampler_was_asked_about(
    decider: Sampler, taken: str
) -> None:
    seen: list[tuple[str, int]] = []

    def app(name: str) -> Any:
        async def respond(*_: Any) -> None:
            seen.append((name, RequestTraceIds().generate_trace_id()))

        return respond

    async def unused(*_: Any) -> Any:
        raise AssertionError

    sampler = Asked(decider)
    requests = SampledRequests(plain=app("plain"), traced=app("traced"), sampler=sampler)
    scope = {"type": "http", "method": "GET", "headers": []}
    for _ in range(2):
        asyncio.run(requests(scope, unused, unused))
    assert [name for name, _ in seen] == [taken, taken]
    assert ([trace_id for _, trace_id in seen] == sampler.trace_ids) is (taken == "traced")
    assert len(set(sampler.trace_ids)) == 2
