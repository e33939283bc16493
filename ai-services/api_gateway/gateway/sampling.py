"""Decide whether a request is traced before OpenTelemetry's own code runs for it.

That code costs a request almost as much where nothing is kept. A request that is not sampled goes to the
plain application; its trace's id is in its header alone (https://www.w3.org/TR/trace-context/), as not
sampled, so that the backend does not record it either. Imported only where traces are on.
"""

from __future__ import annotations

from contextvars import ContextVar

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import SpanContext, SpanKind
from starlette.types import ASGIApp, Receive, Scope, Send

TRACEPARENT = b"traceparent"

_trace_id: ContextVar[int] = ContextVar("trace_id", default=0)
_random_ids = RandomIdGenerator()


class RequestTraceIds(RandomIdGenerator):
    """Give the span of a request the trace id that the sampler was asked about."""

    def generate_trace_id(self) -> int:
        """Return the id of the current request's trace, a new one outside of requests."""
        return _trace_id.get() or super().generate_trace_id()


class SampledRequests:
    """Send a request to the traced application if the sampler chooses it, else to the plain one."""

    def __init__(self, *, plain: ASGIApp, traced: ASGIApp, sampler: Sampler) -> None:
        self._plain, self._traced, self._sampler = plain, traced, sampler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._plain(scope, receive, send)
            return
        context = _parent_context(scope)
        parent = trace.get_current_span(context).get_span_context()
        trace_id = parent.trace_id or _random_ids.generate_trace_id()
        sampled = self._sampler.should_sample(context, trace_id, scope["method"], SpanKind.SERVER)
        if sampled.decision is not Decision.RECORD_AND_SAMPLE:
            with suppress_http_instrumentation():
                await self._plain(_with_unsampled_ids(scope, trace_id, parent), receive, send)
            return
        token = _trace_id.set(trace_id)
        try:
            await self._traced(scope, receive, send)
        finally:
            _trace_id.reset(token)


def _parent_context(scope: Scope) -> Context:
    """Return the context that the request's header names, an empty one where it has not one valid header."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == TRACEPARENT]
    return propagate.extract({"traceparent": values[0]}, Context()) if len(values) == 1 else Context()


def _with_unsampled_ids(scope: Scope, trace_id: int, parent: SpanContext) -> Scope:
    """Return the scope with a header that names the trace, and that it is not sampled."""
    span_id = parent.span_id or _random_ids.generate_span_id()
    header = (TRACEPARENT, f"00-{trace_id:032x}-{span_id:016x}-00".encode())
    return {**scope, "headers": [*(pair for pair in scope["headers"] if pair[0] != TRACEPARENT), header]}
