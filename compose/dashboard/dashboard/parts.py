"""The parts of the application, as the functions that answer a request find them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request

from dashboard import runs
from dashboard.history import History
from dashboard.receiver import Receiver
from dashboard.settings import Settings
from dashboard.store import Store
from dashboard.timeline import UnknownRun


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the application is made of."""

    settings: Settings
    store: Store
    receiver: Receiver
    history: History

    def run(self, name: str) -> Path:
        """Return the folder of a run, the stack's newest where none is named.

        Raises:
            UnknownRun: there is none.
        """
        chosen = name or runs.newest(self.settings.runs, self.settings.stack)
        if chosen is None:
            raise UnknownRun("No run of this stack is recorded yet: start one with `inv up`.")
        return runs.find(self.settings.runs, chosen)

    def overview(self, name: str = "") -> dict[str, Any]:
        """Return the state of a run, the newest where none is named, and the counters of the receiver."""
        receiver = self.receiver
        counters = {
            "received": receiver.received,
            "dropped": receiver.dropped,
            "problem": receiver.problem,
            "spans": self.store.spans,
        }
        return {**runs.overview(self.run(name)), "traces": counters}

    def newest(self) -> dict[str, Any] | None:
        """Return the state of the stack's newest run, None where none is recorded yet."""
        try:
            return self.overview()
        except UnknownRun:
            return None


def of(request: Request) -> Parts:
    """Return the parts of the application that is asked."""
    parts: Parts = request.app.state.parts
    return parts
