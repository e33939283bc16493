"""A saved file reloads its service, on every engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from stack.control import guardians, services
from stack.errors import ServiceFailed
from stack.plan.plan import Plan
from stack.records import plans
from stack.records.control import Action
from stack.records.state import StackState

POLL_S = 0.3
SUFFIXES = frozenset({".py", ".html", ".txt", ".toml", ".sql", ".json", ".yml", ".yaml", ".css", ".js"})
SKIPPED = frozenset({"__pycache__", "tests", ".venv", "staticfiles", "node_modules"})
Snapshot = dict[Path, int]
"""File -> time of its last change, in nanoseconds."""


def watch_services(kept: StackState, *, say: Callable[[str], None]) -> None:
    """Stay until interrupted or until the stack is gone; restart each service whose files change."""
    made = plans.read(kept.name)
    seen = {name: snapshot(project) for name, project in projects(made)}
    say(f"watching {', '.join(seen)}; Ctrl-C ends the watch, not the stack")
    while guardians.alive(kept.name) is not None:
        time.sleep(POLL_S)
        for name, project in projects(made):
            now = snapshot(project)
            changed = differences(seen[name], now)
            seen[name] = now
            if changed:
                say(f"{changed[0].relative_to(project)} was saved: reloading {name}")
                try:
                    services.change_services(kept, Action.REBUILD, [name])
                    say(f"{name} is ready again")
                except ServiceFailed:
                    say(f"{name} did not become ready; see `inv logs`")


def projects(made: Plan) -> Iterator[tuple[str, Path]]:
    """Return the services that are made from a folder, with it."""
    for name, planned in made.services.items():
        if planned.service.build is not None:
            yield name, planned.service.build.context


def snapshot(project: Path) -> Snapshot:
    """Return the files that count, with the time of their last change."""
    return {
        path: path.stat().st_mtime_ns
        for path in project.rglob("*")
        if path.suffix in SUFFIXES and not _is_skipped(path.relative_to(project)) and path.is_file()
    }


def differences(before: Snapshot, after: Snapshot) -> list[Path]:
    """Return the files that came, went or changed."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _is_skipped(path: Path) -> bool:
    return any(part in SKIPPED or part.startswith(".") for part in path.parts)
