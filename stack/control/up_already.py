"""Whether a stack that is up already is the one that a command asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stack.control.choice import Choice
from stack.engines import registry
from stack.errors import UnknownService, UpElsewhere
from stack.records import plans
from stack.records.request import FILE, read_request
from stack.records.state import StackState


def require_same(choice: Choice, services: Sequence[str], stack: StackState) -> None:
    """Check that a running stack has the chosen engine, files and profiles, and the services.

    Where no service is named, it must have been started with all.

    Raises:
        UpElsewhere: it has others.
        UnknownService: there is no such service.
        UnknownEngine: there is no such engine.
    """
    _require_engine(choice.engine, stack)
    record = Path(stack.run) / FILE
    request = read_request(record) if record.is_file() else None
    _require_services(services, stack, partial=request is not None and bool(request.services))
    if request is None:
        return
    if set(choice.files()) - set(request.files):
        raise _elsewhere(stack, f"from {', '.join(request.files)}")
    profiles = [name for name in choice.profiles if not {name, "*"} & set(request.profiles)]
    if profiles:
        options = " ".join(f"--profile {each}" for each in (*request.profiles, *profiles))
        raise _elsewhere(
            stack,
            f"without the profile {', '.join(profiles)}",
            kept=f"is kept. Then type `inv up {options}`",
        )


def _require_engine(engine: str, stack: StackState) -> None:
    if engine != "auto" and engine not in registry.NAMES:
        registry.choose(engine)
    if engine not in {"auto", stack.engine}:
        raise _elsewhere(stack, f"on {stack.engine}", kept="stays with that engine")


def _require_services(services: Sequence[str], stack: StackState, *, partial: bool) -> None:
    missing = [name for name in services if name not in stack.ports]
    for name in missing:
        _require_known(name, stack)
    if missing or (partial and not services):
        raise _elsewhere(stack, f"but only with {', '.join(stack.ports)}")


def _require_known(name: str, stack: StackState) -> None:
    """Raise where the compose files of the stack have no service of this name, in no profile."""
    described = plans.read(stack.name).stack
    if name not in {*described.services, *described.inactive}:
        raise UnknownService(f"There is no service {name!r}.", hint=f"Services: {', '.join(stack.ports)}.")


def _elsewhere(stack: StackState, how: str, *, kept: str = "is kept") -> UpElsewhere:
    return UpElsewhere(
        f"{stack.name} is up already, {how}.",
        hint=f"End it first: `inv down --stack {stack.name}`; its data {kept}.",
    )
