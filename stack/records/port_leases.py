"""Which host ports a stack gets, and who holds a taken one.

A port is leased by a file that names its stack, written under one lock for the whole machine, so
that stacks starting in the same moment never get the same one. A lease ends with its stack. Stacks
that keep their files elsewhere (another account, another home) are kept apart by a `Reservation`.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from stack.errors import PortTaken
from stack.model import Service
from stack.records import state
from stack.system import ports
from stack.system.directories import state_home

STARTING = "a starting stack of somebody else"


def lease(
    name: str,
    services: Mapping[str, Service],
    targets: Mapping[str, Collection[int]],
    *,
    alive: Collection[str],
    reserve: Callable[[int], bool] = lambda port: True,
) -> tuple[dict[str, dict[int, int]], tuple[str, ...]]:
    """Lease a host port for every container port of every service.

    ``alive`` are the stacks whose leases count; ``reserve`` takes a port for as long as the caller lives, or
    answers that somebody else has it. Answers service -> container port -> host port, and
    a sentence for each default port that was taken and replaced.

    Raises:
        PortTaken: a fixed port is held by somebody else.
    """
    folder = _folder()
    with _lock(folder):
        taken = _leased(folder, alive, but=name)

        def obtain(port: int) -> bool:
            return port not in taken and ports.is_free(port) and reserve(port)

        wanted = {(s, p.target): p for s, service in services.items() for p in service.ports}
        notes: list[str] = []
        pool = ports.candidates(name)

        def choose(service: str, target: int) -> int:
            port = wanted.get((service, target))
            if port is not None and port.published is not None:
                if obtain(port.published):
                    return port.published
                notes.append(_replaced(service, port.published, fixed=port.fixed, by=taken))
            return next(p for p in pool if obtain(p))

        found: dict[str, dict[int, int]] = {}
        for service, target in ((s, target) for s, table in targets.items() for target in table):
            chosen = found.setdefault(service, {})[target] = choose(service, target)
            taken[chosen] = name
        for chosen in (port for table in found.values() for port in table.values()):
            (folder / str(chosen)).write_text(name)
    return found, tuple(notes)


def release(name: str) -> None:
    """End every lease of the stack ``name``."""
    folder = _folder()
    with _lock(folder):
        for path in folder.glob("[0-9]*"):
            if path.read_text() == name:
                path.unlink()


def _replaced(service: str, port: int, *, fixed: bool, by: Mapping[int, str]) -> str:
    who = _who(port, by.get(port))
    if fixed:
        raise PortTaken(
            f"Port {port} of {service} was asked for by name, but {who} holds it.",
            hint="End that program, or ask for another port.",
        )
    return f"port {port} of {service} is held by {who}; another one is used"


def _who(port: int, stack: str | None) -> str:
    """Name the stack, its work tree, the pid and the command, as far as each is known."""
    if stack is None:
        return STARTING if ports.is_free(port) else ports.holder(port)
    kept = state.read(stack)
    whose = f"stack {stack} of {kept.work_tree}" if kept is not None else f"stack {stack}"
    return whose if ports.is_free(port) else f"{whose}, {ports.holder(port)}"


def _folder() -> Path:
    folder = state_home() / "ports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _lock(folder: Path) -> contextlib.AbstractContextManager[object]:
    from filelock import FileLock

    return FileLock(folder / "lock", timeout=30)


def _leased(folder: Path, alive: Collection[str], *, but: str) -> dict[int, str]:
    leases: dict[int, str] = {}
    for path in folder.glob("[0-9]*"):
        owner = path.read_text()
        if owner in alive and owner != but:
            leases[int(path.name)] = owner
        else:
            path.unlink()
    return leases


class Reservations:
    """The ports that nobody else gets as long as this process lives."""

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Reserve a port; return False where another process has it."""
        if port in self._held or sys.platform != "linux":
            return True
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name.bind(f"\0ecommerce-stack-port-{port}")
        except OSError:
            name.close()
            return False
        self._held[port] = name
        return True

    def end(self) -> None:
        """Give every port back before this process ends."""
        while self._held:
            self._held.popitem()[1].close()
