"""What runs services: the protocol that every engine keeps, and the choice among them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from stack.errors import EngineUnavailable, UnknownEngine
from stack.logs import Log
from stack.model import Stack
from stack.plan import Plan, ServicePlan

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a stack lives: its kept folder, the folder that dies with it, its run, its token."""

    name: str
    folder: Path
    scratch: Path
    run: Path
    token: str
    ephemeral: bool


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a service ended; negative codes are signals. ``oom``: the kernel said out of memory."""

    code: int
    oom: bool = False


class Running(Protocol):
    """A started service."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> Exit: ...

    async def stop(self, grace_s: float) -> None: ...

    async def execute(self, argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]: ...


class Engine(Protocol):
    """Runs the services of one stack."""

    def folders(self, stack: Stack, site: Site) -> Mapping[str, Mapping[str, str]]: ...

    async def prepare(self, plan: Plan, site: Site, say: Say) -> None: ...

    async def build(self, plan: ServicePlan, say: Say) -> None: ...

    async def start(self, plan: ServicePlan, log: Log) -> Running: ...

    async def refresh(self, services: list[str], say: Say) -> None: ...

    async def remove(self, *, volumes: bool) -> None: ...


NAMES: Final = ("docker", "podman", "local")

DAEMONS: Final = ("docker",)
"""What ``auto`` asks before ``local``: a daemon that answers was started by somebody who wants it used.

Podman has none: that its command is installed says nothing, so it is used where it is asked for.
"""

Availability = Callable[[], str | None]
"""Answers why an engine cannot be used, None where it can."""


def create(name: str) -> Engine:
    """Answer a new engine of that name.

    Raises:
        UnknownEngine: there is none.
    """
    if name not in NAMES:
        raise UnknownEngine(f"There is no engine {name!r}.", hint=f"Engines: {', '.join(NAMES)}, or auto.")
    module = importlib.import_module("stack.engines.local" if name == "local" else "stack.engines.docker")
    engine: Engine = module.LocalEngine() if name == "local" else module.ContainerEngine(name)
    return engine


def why_not(name: str) -> str | None:
    """Answer why the engine cannot be used here, None where it can."""
    if name == "local":
        return None
    return importlib.import_module("stack.engines.docker").why_not(name)  # type: ignore[no-any-return]


def choose(preferred: str, *, why_not: Callable[[str], str | None] = why_not) -> str:
    """Answer the engine to use; ``auto`` is the first daemon that answers, else ``local``.

    Raises:
        UnknownEngine: there is no such engine.
        EngineUnavailable: the one that was asked for does not answer.
    """
    if preferred == "auto":
        return next((name for name in DAEMONS if why_not(name) is None), "local")
    if preferred not in NAMES:
        raise UnknownEngine(
            f"There is no engine {preferred!r}.", hint=f"Engines: {', '.join(NAMES)}, or auto."
        )
    if reason := why_not(preferred):
        raise EngineUnavailable(reason, hint="Or run without a container engine: --engine local.")
    return preferred


def remove_leftovers(engine: str, name: str, *, volumes: bool) -> None:
    """Remove what a stack without a guardian has left in a container engine."""
    importlib.import_module("stack.engines.docker").remove_leftovers(engine, name, volumes=volumes)


def remove_images() -> Iterator[str]:
    """Remove images that were built for stacks and that no container uses; says what that was."""
    for engine in NAMES:
        if engine != "local" and why_not(engine) is None:
            removed = importlib.import_module("stack.engines.belongings").remove_images(engine)
            if removed:
                yield f"removed {removed}"
