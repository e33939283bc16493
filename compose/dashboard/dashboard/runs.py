"""The records of runs, read from their folders: services, start-up, tests.

A run's folder is written by the engine while the stack lives (``timeline.jsonl``, ``plan.json``, ``logs/``,
``junit.xml``); a folder of another version is shown as far as it can be read.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dashboard import timeline
from dashboard.timeline import UnknownRun

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,120}")
READY = {"ready", "completed"}
ENDED = {"ready", "completed", "exited", "unhealthy", "timed out", "port taken", "dependency failed"}


@dataclass(kw_only=True)
class Service:
    """``waits``, ``starts`` and ``settles`` are seconds since the run began; ``needs`` are other services.

    ``fails`` is when one that ``came_up`` failed, None where it is well or never was.
    """

    name: str
    state: str = "waiting"
    text: str = ""
    waits: float | None = None
    starts: float | None = None
    settles: float | None = None
    came_up: bool = False
    fails: float | None = None
    needs: list[str] = field(default_factory=list)


def names(folder: Path) -> list[str]:
    """Return the names of the recorded runs, the newest first."""
    if not folder.is_dir():
        return []
    return sorted((p.name for p in folder.iterdir() if (p / "timeline.jsonl").is_file()), reverse=True)


def newest(folder: Path, stack: str) -> str | None:
    """Return the newest run of a stack, of any where ``stack`` is empty; None where there is none.

    Other stacks of the same work tree leave their records in the same folder.
    """
    own = re.compile(rf"[0-9]{{8}}-[0-9]{{6}}-{re.escape(stack)}(-[0-9a-f]{{4}})?" if stack else ".*")
    return next(filter(own.fullmatch, names(folder)), None)


def find(folder: Path, name: str) -> Path:
    """Return the folder of a run.

    Raises:
        UnknownRun: there is none of that name.
    """
    if not NAME.fullmatch(name) or not (folder / name / "timeline.jsonl").is_file():
        raise UnknownRun(f"There is no run {name!r}.")
    return folder / name


def overview(run: Path) -> dict[str, Any]:
    """Return what a run is and was: its phase, its services with their times, its critical chain."""
    events, plan = list(timeline.events(run)), _plan(run)
    began = events[0].at if events else 0.0
    services = _services(plan, events, began)
    phases = [event for event in events if event.kind == "stack"]
    return {
        "run": run.name,
        "stack": str(plan.get("name", "")),
        "phase": phases[-1].state if phases else "starting",
        "began": began,
        "up_s": next((event.at - began for event in phases if event.state == "up"), None),
        "services": [asdict(service) for service in services.values()],
        "chain": chain(services),
        "error": next((event.text for event in events if event.kind == "error"), ""),
    }


def chain(services: dict[str, Service]) -> list[str]:
    """Return the services that decided how long the start took, the first one first."""
    settled = [each for each in services.values() if each.settles is not None]
    path: list[str] = []
    current = max(settled, key=lambda each: each.settles or 0.0, default=None)
    while current is not None and current.name not in path:
        path.append(current.name)
        waited = [services[name] for name in current.needs if _waited_for(current, services.get(name))]
        current = max(waited, key=lambda each: each.settles or 0.0, default=None)
    return path[::-1]


def _waited_for(service: Service, need: Service | None) -> bool:
    """Return whether a service waited for another; one that only had to have started may be ready later."""
    if need is None or service.starts is None:
        return need is not None
    return need.settles is not None and need.settles <= service.starts


def tests(run: Path) -> list[dict[str, Any]]:
    """Return the tests of a run with outcome, seconds, the failure's text, and the trace they sent along."""
    try:
        cases = ET.parse(run / "junit.xml").getroot().iter("testcase")  # noqa: S314  written by our own pytest
    except (ET.ParseError, OSError):  # it is being written, or was removed just now
        return []
    return [_test(case) for case in cases]


def summary(run: Path) -> dict[str, Any]:
    """Return one line about a run: outcome, when, how long the start and each service took."""
    seen = overview(run)
    results = tests(run)
    return {
        "run": run.name,
        "began": seen["began"],
        "up_s": seen["up_s"],
        "phase": seen["phase"],
        "tests": len(results),
        "failed": sum(test["outcome"] == "failed" for test in results),
        "services": {
            s["name"]: s["settles"] - s["starts"] for s in seen["services"] if s["settles"] and s["starts"]
        },
    }


def summaries(folder: Path, *, limit: int) -> list[dict[str, Any]]:
    """Return one line about each of the newest runs; without those that were removed meanwhile."""
    shown = []
    for name in names(folder)[:limit]:
        with suppress(UnknownRun):
            shown.append(summary(folder / name))
    return shown


def ready_seconds(run: Path) -> dict[str, float]:
    """Return how long each service took from its start until it was ready; one that failed is absent."""
    services: list[dict[str, Any]] = overview(run)["services"]
    return {
        service["name"]: round(service["settles"] - service["starts"], 4)
        for service in services
        if service["state"] in READY and service["settles"] is not None and service["starts"] is not None
    }


def _test(case: ET.Element) -> dict[str, Any]:
    failure = case.find("failure") if case.find("failure") is not None else case.find("error")
    outcome = "failed" if failure is not None else "skipped" if case.find("skipped") is not None else "passed"
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    return {
        "name": case.get("name", ""),
        "file": case.get("classname", ""),
        "seconds": _seconds(case.get("time") or ""),
        "outcome": outcome,
        "text": (failure.get("message") or failure.text or "")[:4000] if failure is not None else "",
        "trace_id": properties.get("trace_id") or "",
    }


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text, re.ASCII) else 0.0


def _services(plan: dict[str, Any], events: list[timeline.Event], began: float) -> dict[str, Service]:
    services: dict[str, Service] = {}
    for event in events:
        if event.kind != "service":
            continue
        service = services.setdefault(event.service, Service(name=event.service))
        at = round(event.at - began, 4)
        service.state, service.text = event.state, event.text
        service.waits = at if service.waits is None else service.waits
        if event.state == "starting" and service.starts is None:
            service.starts = at
        if event.state in ENDED and service.settles is None:
            service.settles = at
        _note_failure(service, at)
    for name, needs in _needs(plan).items():
        if name in services:
            services[name].needs = needs
    return services


def _note_failure(service: Service, at: float) -> None:
    """Note when a service that had been ready failed; one that came back is well."""
    if service.state in READY:
        service.came_up, service.fails = True, None
    elif service.came_up and service.state in ENDED and service.fails is None:
        service.fails = at


def _plan(run: Path) -> dict[str, Any]:
    """Return the redacted plan of a run, empty where there is none that can be read."""
    try:
        return timeline.json_object((run / "plan.json").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}


def _needs(plan: dict[str, Any]) -> dict[str, list[str]]:
    try:
        return {name: [str(need) for need in service["needs"]] for name, service in plan["services"].items()}
    except (KeyError, TypeError, AttributeError):
        return {}
