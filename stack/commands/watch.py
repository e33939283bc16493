"""`inv up --watch`: reload a service when one of its files is saved, on every engine."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stack.control import guardians, services
from stack.errors import ServiceFailed
from stack.plan.plan import Plan
from stack.records import plans
from stack.records.control import Action
from stack.records.state import StackState

if TYPE_CHECKING:
    from watchfiles import Change

ALIVE_CHECK_MS = 500
"""How often it is checked that the stack is still up."""

DEBOUNCE_MS = 200
"""How long changes are collected: an editor's save is often several, and is one reload."""

SUFFIXES = frozenset({".py", ".html", ".txt", ".toml", ".sql", ".json", ".yml", ".yaml", ".css", ".js"})
IGNORED_FOLDERS = frozenset({"__pycache__", "tests", "staticfiles", "node_modules"})


def watch_services(stack: StackState, *, say: Callable[[str], None]) -> None:
    """Restart each service whose files change, until Ctrl-C or until the stack has ended."""
    from watchfiles import watch

    projects = dict(service_projects(plans.read(stack.name)))
    changes = watch(
        *set(projects.values()),
        watch_filter=lambda change, path: is_source(path, projects.values()),
        debounce=DEBOUNCE_MS,
        rust_timeout=ALIVE_CHECK_MS,
        yield_on_timeout=True,
    )
    first = next(changes)  # from now on no change is missed
    say(f"watching {', '.join(projects)}; Ctrl-C ends the watch, not the stack")
    for batch in itertools.chain([first], changes):
        if guardians.alive(stack.name) is None:
            return
        for name, file in changed_services(projects, batch):
            say(f"{file} was saved: reloading {name}")
            reload_service(stack, name, say)


def reload_service(stack: StackState, service: str, say: Callable[[str], None]) -> None:
    """Build a service again and restart it; say whether it became ready."""
    try:
        services.change_services(stack, Action.REBUILD, [service])
        say(f"{service} is ready again")
    except ServiceFailed:
        say(f"{service} did not become ready; see `inv logs`")


def service_projects(plan: Plan) -> Iterator[tuple[str, Path]]:
    """Yield each service that is built from a folder, with that folder."""
    for name, planned in plan.services.items():
        if planned.service.build is not None:
            yield name, planned.service.build.context


def changed_services(
    projects: dict[str, Path], changes: set[tuple[Change, str]]
) -> Iterator[tuple[str, Path]]:
    """Yield each service that has a changed file, with the first such file, relative to its folder."""
    files = sorted(Path(path) for _, path in changes)
    for name, project in projects.items():
        file = next((file for file in files if file.is_relative_to(project)), None)
        if file is not None:
            yield name, file.relative_to(project)


def is_source(path: str, projects: Iterable[Path]) -> bool:
    """Return whether a file of one of the projects is its source, neither a test nor a cache."""
    file = Path(path)
    parts = next((file.relative_to(p).parts for p in projects if file.is_relative_to(p)), ())
    ignored = any(part in IGNORED_FOLDERS or part.startswith(".") for part in parts)
    return file.suffix in SUFFIXES and bool(parts) and not ignored
