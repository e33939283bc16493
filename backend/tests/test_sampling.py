"""A request takes the traced application unless its caller's trace is not sampled."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, DEFAULT_ON, Sampler

from config.sampling import SampledRequests

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"


@pytest.mark.parametrize(
    ("traceparent", "sampler", "taken"),
    [
        ("", DEFAULT_ON, b"traced"),
        ("nonsense", DEFAULT_ON, b"traced"),
        (PARENT + "01", DEFAULT_ON, b"traced"),
        (PARENT + "00", DEFAULT_ON, b"plain"),
        (PARENT + "00", ALWAYS_ON, b"traced"),
    ],
)
def test_the_caller_s_trace_and_the_sampler_decide(traceparent: str, sampler: Sampler, taken: bytes) -> None:
    requests = SampledRequests(
        plain=lambda environ, start: [b"plain"], traced=lambda environ, start: [b"traced"], sampler=sampler
    )
    environ = {"HTTP_TRACEPARENT": traceparent} if traceparent else {}
    assert list(requests(environ, lambda *words: None)) == [taken]
