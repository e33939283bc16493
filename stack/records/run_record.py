"""What a run was: its outcome, its start service by service, its tests; read from the run's folder.

A folder of another version is read as far as it can be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from stack.records import junit, timeline
from stack.records.junit import TestResult
from stack.records.timeline import Event

OUTCOME = "outcome.txt"
"""The sentence that the command which ended the run wrote about it."""

UNSETTLED = frozenset({"building", "waiting", "starting", "restarting", "stopping", "stopped"})
"""States in which a service has no verdict."""

GOOD = frozenset({"ready", "completed"})
"""Good verdicts."""

PASSED, ENDED, INTERRUPTED, KILLED, RUNNING = "passed", "ended", "interrupted", "killed", "running"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A state of a starting service, from one second of the run to another."""

    state: str
    begin_s: float
    end_s: float


class ServiceRecord(msgspec.Struct, kw_only=True):
    """How a service came up: ``settled_s`` is when its first verdict was there, None where it never was;
    ``came_up`` says whether that was a good one.

    ``state`` and ``text`` are its last ones before the stack was ended.
    """

    name: str
    state: str = "waiting"
    text: str = ""
    started_s: float | None = None
    settled_s: float | None = None
    came_up: bool = False
    steps: list[Step] = []
    needs: list[str] = []

    @property
    def ready_after_s(self) -> float | None:
        """The seconds from its start to its first verdict."""
        if self.started_s is None or self.settled_s is None:
            return None
        return self.settled_s - self.started_s


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A run. ``began`` is seconds since the epoch; ``up_s`` is None where the stack was never up.

    ``chain`` are the services that decided how long the start took, the first one first.
    """

    name: str
    stack: str
    engine: str
    outcome: str
    began: float
    seconds: float
    up_s: float | None
    services: list[ServiceRecord]
    chain: list[str]
    tests: list[TestResult]

    @property
    def good(self) -> bool:
        """Whether nothing failed so far."""
        return self.outcome in {PASSED, ENDED, RUNNING} and not self.failed_tests

    @property
    def failed_tests(self) -> list[TestResult]:
        return [test for test in self.tests if test.outcome == "failed"]


def read(run: Path, *, alive: bool = False) -> RunRecord:
    """Return the record of a run; ``alive``: its stack runs now."""
    events = timeline.read(run)
    began = events[0].at if events else 0.0
    services = _services(events, began, _needs(run))
    request = _document(run / "request.json")
    return RunRecord(
        name=run.name,
        stack=str(request.get("name", "")),
        engine=str(request.get("engine", "")),
        outcome=RUNNING if alive else _outcome(run, events),
        began=began,
        seconds=round(events[-1].at - began, 4) if events else 0.0,
        up_s=next((round(e.at - began, 4) for e in events if (e.kind, e.state) == ("stack", "up")), None),
        services=list(services.values()),
        chain=chain(services),
        tests=junit.read(run),
    )


def chain(services: Mapping[str, ServiceRecord]) -> list[str]:
    """Return the services that decided how long the start took: each waited for the one before it."""
    path: list[str] = []
    names: Iterable[str] = services
    while settled := [
        name for name in names if name in services and name not in path and _settled_s(services[name]) >= 0
    ]:
        path.append(max(settled, key=lambda name: _settled_s(services[name])))
        names = _waited_for(services[path[-1]], services)
    return path[::-1]


def _waited_for(service: ServiceRecord, services: Mapping[str, ServiceRecord]) -> list[str]:
    """Return what a service waited for: not what only had to have started, and was ready later."""
    started_s = float("inf") if service.started_s is None else service.started_s
    return [name for name in service.needs if name in services and _settled_s(services[name]) <= started_s]


def _settled_s(service: ServiceRecord) -> float:
    return -1.0 if service.settled_s is None else service.settled_s


def _outcome(run: Path, events: list[Event]) -> str:
    try:
        return (run / OUTCOME).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        pass
    states = [event.state for event in events if event.kind == "stack"]
    if "failed" in states or any(event.kind == "error" for event in events):
        return "failed: " + next((e.text for e in events if e.state == "failed" or e.kind == "error"), "")
    return ENDED if states[-1:] == ["down"] else KILLED


def _services(
    events: Iterable[Event], began: float, needs: Mapping[str, list[str]]
) -> dict[str, ServiceRecord]:
    services: dict[str, ServiceRecord] = {}
    since: dict[str, tuple[str, float]] = {}
    for event in events:
        if event.kind == "stack" and event.state in {"failed", "stopping"}:
            break  # from then on services are ended
        if event.kind != "service":
            continue
        service = services.setdefault(
            event.service, ServiceRecord(name=event.service, needs=needs.get(event.service, []))
        )
        at_s = round(event.at - began, 4)
        service.state, service.text = event.state, event.text
        if service.settled_s is not None:
            continue
        before, begin_s = since.get(event.service, (event.state, at_s))
        if before != event.state:
            service.steps = [*service.steps, Step(state=before, begin_s=begin_s, end_s=at_s)]
            begin_s = at_s
        since[event.service] = (event.state, begin_s)
        if event.state == "starting" and service.started_s is None:
            service.started_s = at_s
        if event.state not in UNSETTLED:
            service.settled_s, service.came_up = at_s, event.state in GOOD
    return services


def _needs(run: Path) -> dict[str, list[str]]:
    services = _document(run / "plan.json").get("services")
    if not isinstance(services, dict):
        return {}
    return {
        name: list(service["needs"])
        for name, service in services.items()
        if isinstance(service, dict) and isinstance(service.get("needs"), dict)
    }


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
