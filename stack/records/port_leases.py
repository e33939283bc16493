"""Leases of host ports: which ports a stack gets, and which process holds a taken one.

A lease is a file that names its stack, written under one lock, so that stacks which start in the same moment
never get the same port. It ends with its stack. Stacks with another state folder (another account) are kept
apart by `Reservations`.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.errors import PortTaken
from stack.model import Port, Service
from stack.records import state
from stack.system import lock, ports
from stack.system.directories import state_home
from stack.system.lock import FileLock

STARTING = "a starting stack of another account"


@dataclass(frozen=True, kw_only=True)
class Leases:
    """The host ports of a stack: service -> container port -> host port.

    ``further``, service -> (container port, host port), are those of ports that a service publishes several
    times, besides the last of each. ``notes`` has a sentence for each published port that was taken and
    replaced.
    """

    ports: Mapping[str, Mapping[int, int]]
    further: Mapping[str, tuple[tuple[int, int], ...]]
    notes: tuple[str, ...]


def lease(
    name: str,
    services: Mapping[str, Service],
    targets: Mapping[str, Collection[int]],
    *,
    alive: Collection[str],
    reserve: Callable[[int], bool] = lambda port: True,
) -> Leases:
    """Lease a host port for every container port of every service.

    ``alive`` are the stacks whose leases count; ``reserve`` reserves a port as long as this process runs, and
    returns False where another process has it.

    Raises:
        PortTaken: a port that a variable sets (``fixed``) is taken.
    """
    folder = _folder()
    with _lock(folder):
        choice = _Choice(name=name, leased=_leased(folder, alive, but=name), reserve=reserve)
        table: dict[str, dict[int, int]] = {}
        for service, numbers in targets.items():
            published = {port.target: port for port in services[service].ports}
            table[service] = {number: choice.take(service, published.get(number)) for number in numbers}
        further = {
            service: tuple((port.target, choice.take(service, port)) for port in _repeated(each.ports))
            for service, each in services.items()
        }
        for port in choice.taken:
            (folder / str(port)).write_text(name)
    return Leases(ports=table, further=further, notes=tuple(choice.notes))


def _repeated(published: Sequence[Port]) -> list[Port]:
    """The published ports that are not the last one for their port of the container."""
    last = {(port.target, port.protocol): port for port in published}
    return [port for port in published if last[port.target, port.protocol] is not port]


class _Choice:
    """The ports that a stack takes: those that its file names where they are free, else the next free one."""

    def __init__(self, *, name: str, leased: Mapping[int, str], reserve: Callable[[int], bool]) -> None:
        self._leased, self._reserve = leased, reserve
        self._pool = ports.candidates(name)
        self.taken: set[int] = set()
        self.notes: list[str] = []

    def take(self, service: str, port: Port | None) -> int:
        """Return the host port for a port of a service, None where the file does not publish it."""
        if port is not None and port.published is not None:
            if self._obtain(port.published):
                return port.published
            self.notes.append(self._replacement_note(service, port.published, fixed=port.fixed))
        return next(number for number in self._pool if self._obtain(number))

    def _obtain(self, number: int) -> bool:
        is_ours = number in self.taken or number in self._leased
        if is_ours or not ports.is_free(number) or not self._reserve(number):
            return False
        self.taken.add(number)
        return True

    def _replacement_note(self, service: str, number: int, *, fixed: bool) -> str:
        holder = "this stack" if number in self.taken else _holder(number, self._leased.get(number))
        if fixed:
            raise PortTaken(
                f"Port {number} of {service} is set by a variable, but {holder} holds it.",
                hint="End that program, or set another port.",
            )
        return f"port {number} of {service} is held by {holder}; another port is used"


def release(name: str) -> None:
    """End every lease of the stack ``name``."""
    folder = _folder()
    with _lock(folder):
        for path in folder.glob("[0-9]*"):
            if path.read_text() == name:
                path.unlink()


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
