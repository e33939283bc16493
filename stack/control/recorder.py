"""The recorder of a stack's traces: its dashboard, where the profile `observability` is on."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from stack.errors import StackError
from stack.plan.addresses import LOOPBACK
from stack.plan.service_plan import Plan
from stack.records import plans
from stack.records.traces import Span

SERVICE, PROFILE, TOKEN = "dashboard", "observability", "DASHBOARD_TOKEN"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The standard's variable that says where spans are sent."""

SENT_WITHIN_S = 7.0
"""Services send spans every 5 s unless OTEL_BSP_SCHEDULE_DELAY says otherwise, the first a moment later."""

TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """Where a recorder answers on this machine."""

    port: int
    token: str

    @property
    def page(self) -> str:
        """The address of its page, with the token that opens it."""
        return f"{self.address}/?{urlencode({'token': self.token})}"

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace that have arrived so far; none where it does not answer."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", f"/api/traces/{trace_id}?{urlencode({'token': self.token})}")
            answer = connection.getresponse()
            text = answer.read()
            return msgspec.json.decode(text, type=list[Span], strict=False) if answer.status == 200 else []
        except (OSError, http.client.HTTPException, msgspec.MsgspecError):
            return []
        finally:
            connection.close()


def recorder_of(plan: Plan) -> Recorder | None:
    """Return the recorder of a running stack, None where it has none."""
    service = plan.services.get(SERVICE)
    if service is None or not service.ports or TOKEN not in service.environment:
        return None
    return Recorder(port=next(iter(service.ports.values())), token=service.environment[TOKEN])


def of_stack(name: str) -> Recorder | None:
    """Return the recorder of the stack of this name, None where it has none or is not up."""
    with contextlib.suppress(StackError):
        return recorder_of(plans.read(name))
    return None


def collect(
    recorder: Recorder,
    trace_ids: Iterable[str],
    *,
    ended: float,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, list[Span]]:
    """Return the spans of these traces once all that were recorded up to ``ended`` must have arrived."""
    sleep(max(ended + SENT_WITHIN_S - clock(), 0.0))
    found = {trace_id: recorder.trace(trace_id) for trace_id in trace_ids if trace_id}
    return {trace_id: spans for trace_id, spans in found.items() if spans}
