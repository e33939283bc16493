"""Which processes are ours: by pid and start time, and by the token in their environment."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

TOKEN = "STACK_TOKEN"  # noqa: S105  a name, not a value
"""Every process of a stack has this variable; its value is the stack's own."""

LISTENS = "0A"
"""TCP_LISTEN in /proc/net/tcp (include/net/tcp_states.h)."""

SERVICE = "STACK_SERVICE"
"""And this one, where it belongs to one service."""


def started(pid: int) -> float | None:
    """Return when the process started, None where there is none (or only what is left of one).

    The number is for comparing alone. On Linux it counts clock ticks since the machine's boot
    (proc_pid_stat(5), ``starttime``), which setting the clock does not move.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None if Path("/proc/self").exists() else _started_elsewhere(pid)
    return None if fields[0] in {"Z", "X"} else float(fields[19])


def _started_elsewhere(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None


def is_alive(pid: int, since: float) -> bool:
    """Return whether ``pid`` is still the process that started at ``since``, and not a later one."""
    return pid > 0 and started(pid) == since


def own_pid() -> int:
    """Return this process's pid as the machine sees it, from inside a PID namespace too."""
    try:
        return int(Path("/proc/self").readlink().name)
    except OSError:
        return os.getpid()


def host_pid(pid: int) -> int:
    """Return the machine's pid of a child of ours that we know by the pid of our namespace."""
    if own_pid() == os.getpid():
        return pid
    return next((child for child in children(own_pid()) if _pid_inside(child) == pid), pid)


def _pid_inside(child: int) -> int:
    """Return the pid of a child of ours in our namespace (proc_pid_status(5)), 0 where it is gone."""
    with contextlib.suppress(OSError, StopIteration):
        status = Path(f"/proc/{child}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1])
    return 0


def kill_children_of(service: str) -> None:
    """Kill our children that belong to a service and wait until they have ended.

    In a PID namespace, whose first process we are, those become our children that left the service's group.
    """
    mark = f"{SERVICE}={service}\0".encode()
    while True:
        pids = [_pid_inside(child) for child in children(own_pid()) if mark in _environment(child)]
        if not any(pids):
            return
        for pid in filter(None, pids):
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # whoever started it reads its exit code


def _environment(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def children(pid: int) -> list[int]:
    """Return the direct children of a process (Linux; elsewhere none)."""
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


SPAWNED = "multiprocessing"
"""It stands in the command line of a worker that Python's `spawn` or `forkserver` starts."""


def workers(pid: int, *, shells: Collection[str]) -> list[int]:
    """Return the direct children that are copies of their parent, as a server's workers are.

    Commands that it runs are none, and the children of one of the ``shells`` are all commands: a script that
    waits for something starts one after the other.
    """
    started = children(pid)
    own = _command_line(pid) if started else None
    if own is None or own[0].rpartition("/")[2] in shells:
        return []
    lines = {child: _command_line(child) for child in started}
    return [child for child, line in lines.items() if line is not None and _is_worker(line, own)]


def _is_worker(line: list[str], own: list[str]) -> bool:
    return line == own or any(SPAWNED in word for word in line[1:])


def _command_line(pid: int) -> list[str] | None:
    """Return the words of a process, None where there is none any more."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return None
    return words.split("\0") if words else None


def _with_descendants(pid: int) -> list[int]:
    """Return a process and all that came from it; on Linux without looking at every other process."""
    if sys.platform != "linux":
        import psutil

        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    found = [pid]
    for each in found:
        found += children(each)  # the list grows while it is walked, until no process has a child
    return found


def listening(pid: int) -> set[int]:
    """Return the TCP ports at which a process or one that came from it listens, as far as we may see."""
    import psutil

    ports: set[int] = set()
    with contextlib.suppress(psutil.Error, OSError):
        for each in _with_descendants(pid):
            with contextlib.suppress(psutil.Error, OSError):
                ports |= _listening_of(each)
    return ports


def processor_s(pid: int) -> float:
    """Return the processor time that a process and all that came from it have used, in seconds."""
    import psutil

    total_s = 0.0
    with contextlib.suppress(psutil.Error, OSError):
        for each in _with_descendants(pid):
            with contextlib.suppress(psutil.Error, OSError):
                total_s += sum(psutil.Process(each).cpu_times()[:4])  # of its ended children, too
    return total_s


def _listening_of(pid: int) -> set[int]:
    """The ports of one process, on the network where it lives (proc_pid_net(5)); psutil knows only ours."""
    import psutil

    if not Path("/proc/self/net").exists():
        connections = psutil.Process(pid).net_connections("tcp")
        return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
    links = map(_link, Path(f"/proc/{pid}/fd").iterdir())
    inodes = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    rows = (row.split() for name in ("tcp", "tcp6") for row in _rows(Path(f"/proc/{pid}/net/{name}")))
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTENS and row[9] in inodes}


def _link(entry: Path) -> str:
    """Return to what a link in /proc leads, "" where the process has closed that file meanwhile."""
    with contextlib.suppress(OSError):
        return str(entry.readlink())
    return ""


def _rows(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return path.read_text().splitlines()[1:]
    return []


def with_token(token: str) -> list[int]:
    """Return the pids of all processes that carry the stack's token."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(TOKEN) == token:
                found.append(process.pid)
    return found


def end_processes(
    pids: Iterable[int], *, grace_s: float = 2.0, clock: Callable[[], float] = time.monotonic
) -> None:
    """End processes of ours: TERM, a grace, KILL."""
    import psutil

    processes = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            processes.append(psutil.Process(pid))
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, timeout=grace_s)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=grace_s)
