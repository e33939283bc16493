"""Which host ports a stack gets, and who holds a taken one.

A port is leased by a file that names its stack, written under one lock for the whole machine, so
that stacks starting in the same moment never get the same one. A lease ends with its stack. Stacks
that keep their files elsewhere (another account, another home) are kept apart by a `Reservation`.
"""

from __future__ import annotations

import contextlib
import socket
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from stack import state
from stack.errors import PortTaken
from stack.model import Service
from stack.places import state_home

FIRST, LAST = 20000, 31999
"""Below Linux' ephemeral range (32768-60999), so that no outgoing connection takes one."""
STARTING = "a starting stack of somebody else"
UNSEEN = "a process that this user may not see"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Answer whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def candidates(seed: str) -> Iterator[int]:
    """Answer every port of the range, from a place that depends on ``seed``, so that stacks spread."""
    span = LAST - FIRST + 1
    start = zlib.crc32(seed.encode())
    return (FIRST + (start + step) % span for step in range(span))


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
        PortTaken: a port that was demanded is held by somebody else.
    """
    folder = _folder()
    with _lock(folder):
        taken = _leased(folder, alive, but=name)

        def obtain(port: int) -> bool:
            return port not in taken and is_free(port) and reserve(port)

        wanted = {(s, p.target): p for s, service in services.items() for p in service.ports}
        notes: list[str] = []
        pool = candidates(name)

        def choose(service: str, target: int) -> int:
            port = wanted.get((service, target))
            if port is not None and port.published is not None:
                if obtain(port.published):
                    return port.published
                notes.append(_replaced(service, port.published, demanded=port.demanded, by=taken))
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


def holder(port: int) -> str:
    """Answer who listens on ``port``: pid and command, as far as this user may see."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and getattr(connection.laddr, "port", None) == port
                and connection.pid
            ):
                with contextlib.suppress(psutil.Error):
                    return f"pid {connection.pid} ({_shown(psutil.Process(connection.pid).cmdline())})"
    except psutil.AccessDenied:
        return UNSEEN
    return UNSEEN


def _shown(words: list[str]) -> str:
    """The beginning of a command, the programs in it without their folders."""
    return " ".join([*(Path(word).name for word in words[:2]), *words[2:]])[:80].rstrip()


def _replaced(service: str, port: int, *, demanded: bool, by: Mapping[int, str]) -> str:
    who = _who(port, by.get(port))
    if demanded:
        raise PortTaken(
            f"Port {port} of {service} was asked for by name, but {who} holds it.",
            hint="End that program, or ask for another port.",
        )
    return f"port {port} of {service} is held by {who}; another one is used"


def _who(port: int, stack: str | None) -> str:
    """Name the stack, its work tree, the pid and the command, as far as each is known."""
    if stack is None:
        return STARTING if is_free(port) else holder(port)
    kept = state.read(stack)
    whose = f"stack {stack} of {kept.work_tree}" if kept is not None else f"stack {stack}"
    return whose if is_free(port) else f"{whose}, {holder(port)}"


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
