"""Serve requests whose trace is not sampled by an application without OpenTelemetry's own middleware.

Its work for them would be thrown away. Imported only where traces are on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace.sampling import Decision, Sampler

StartResponse = Callable[..., Any]
WsgiApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class SampledRequests:
    """Send a request to the traced application, or to the plain one if its caller's trace is not sampled.

    Of a request that begins a trace the traced application decides.
    """

    def __init__(self, *, plain: WsgiApplication, traced: WsgiApplication, sampler: Sampler) -> None:
        self._plain, self._traced, self._sampler = plain, traced, sampler

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        context = propagate.extract({"traceparent": environ.get("HTTP_TRACEPARENT", "")}, Context())
        parent = trace.get_current_span(context).get_span_context()
        if not parent.is_valid or self._is_sampled(context, parent.trace_id):
            return self._traced(environ, start_response)
        with suppress_instrumentation():
            return self._plain(environ, start_response)

    def _is_sampled(self, context: Context, trace_id: int) -> bool:
        return self._sampler.should_sample(context, trace_id, "").decision is Decision.RECORD_AND_SAMPLE
