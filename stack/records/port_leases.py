"""Leases of host ports: which ports a stack gets, and which process holds a taken one.

A lease is a file that names its stack, written under one lock, so that stacks which start in the same moment
never get the same port. It ends with its stack. Stacks with another state folder (another account) are kept
apart by `Reservations`.
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
from stack.system import lock, ports
from stack.system.directories import state_home
from stack.system.lock import FileLock

STARTING = "a starting stack of another account"


def lease(
    name: str,
    services: Mapping[str, Service],
    targets: Mapping[str, Collection[int]],
    *,
    alive: Collection[str],
    reserve: Callable[[int], bool] = lambda port: True,
) -> tuple[dict[str, dict[int, int]], tuple[str, ...]]:
    """Lease a host port for every container port of every service.

    ``alive`` are the stacks whose leases count; ``reserve`` reserves a port as long as this process runs, and
    returns False where another process has it. Return service -> container port -> host port, and
    a sentence for each published port that was taken and replaced.

    Raises:
        PortTaken: a port that a variable sets (``fixed``) is taken.
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
                notes.append(_replacement_note(service, port.published, fixed=port.fixed, by=taken))
            return next(p for p in pool if obtain(p))

        leases: dict[str, dict[int, int]] = {}
        for service, target in ((s, target) for s, table in targets.items() for target in table):
            port = leases.setdefault(service, {})[target] = choose(service, target)
            taken[port] = name
        for port in (port for table in leases.values() for port in table.values()):
            (folder / str(port)).write_text(name)
    return leases, tuple(notes)


def release(name: str) -> None:
    """End every lease of the stack ``name``."""
    folder = _folder()
    with _lock(folder):
        for path in folder.glob("[0-9]*"):
            if path.read_text() == name:
                path.unlink()


def _replacement_note(service: str, port: int, *, fixed: bool, by: Mapping[int, str]) -> str:
    holder = _holder(port, by.get(port))
    if fixed:
        raise PortTaken(
            f"Port {port} of {service} is set by a variable, but {holder} holds it.",
            hint="End that program, or set another port.",
        )
    return f"port {port} of {service} is held by {holder}; another port is used"


def _holder(port: int, name: str | None) -> str:
    """Return the stack, its work tree, the pid and the command of a port's holder, as far as known."""
    if name is None:
        return STARTING if ports.is_free(port) else ports.holder(port)
    stack = state.read(name)
    owner = f"stack {name} of {stack.work_tree}" if stack is not None else f"stack {name}"
    return owner if ports.is_free(port) else f"{owner}, {ports.holder(port)}"


def _folder() -> Path:
    folder = state_home() / "ports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _lock(folder: Path) -> contextlib.AbstractContextManager[FileLock]:
    return lock.hold(folder / "lock", timeout_s=30, purpose="port leases")


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
    """Ports that no other account's stack gets as long as this process runs (Linux: abstract sockets)."""

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def reserve(self, port: int) -> bool:
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

    def release(self) -> None:
        """Release every port before this process ends."""
        while self._held:
            self._held.popitem()[1].close()
