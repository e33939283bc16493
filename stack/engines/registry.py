"""Which engines there are, and which one is used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from stack.engines.protocol import Engine
from stack.errors import EngineUnavailable, UnknownEngine

NAMES: Final = ("docker", "podman", "local")
DAEMONS: Final = ("docker",)
"""What ``auto`` asks before ``local``: a daemon that answers was started in order to be used.

Podman has none: that its command is installed says nothing, so it is used where it is asked for.
"""


def create(name: str) -> Engine:
    """Return a new engine of that name.

    Raises:
        UnknownEngine: there is none.
    """
    if name not in NAMES:
        raise UnknownEngine(f"There is no engine {name!r}.", hint=f"Engines: {', '.join(NAMES)}, or auto.")
    if name == "local":
        from stack.engines.local.engine import LocalEngine

        return LocalEngine()
    from stack.engines.container.engine import ContainerEngine

    return ContainerEngine(name)


def why_not(name: str) -> str | None:
    """Return why the engine cannot be used here, None where it can."""
    if name == "local":
        return None
    from stack.engines.container import availability

    return availability.why_not(name)


def choose(preferred: str, *, why_not: Callable[[str], str | None] = why_not) -> str:
    """Return the engine to use; ``auto`` is the first daemon that answers, else ``local``.

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
    from stack.engines.container import resources

    resources.remove(engine, name, volumes=volumes)


def remove_volumes(running: Collection[str], *, data: bool) -> Iterator[str]:
    """Remove the volumes of this home's stacks that are not ``running``, or (without ``data``) say so."""
    from stack.engines.container import resources

    for engine in NAMES:
        if engine != "local" and why_not(engine) is None:
            for stack in resources.stacks_with_volumes(engine):
                if stack in running:
                    continue
                if data:
                    resources.remove(engine, stack, volumes=True)
                    yield f"removed the data of {stack} in {engine}"
                else:
                    yield f"kept the data of {stack} in {engine}; `inv prune --all` deletes it"


def remove_images() -> Iterator[str]:
    """Remove the images of stacks that no container uses; return a sentence for each engine."""
    from stack.engines.container import resources

    for engine in NAMES:
        if engine != "local" and why_not(engine) is None:
            removed = resources.remove_images(engine)
            if removed:
                yield f"removed {removed}"
