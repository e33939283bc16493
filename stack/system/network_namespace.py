"""Network and mount namespaces (namespaces(7)) of single services, which vanish with their last user.

A thread of ours makes and enters them, for a socket keeps the network of the thread that made it; programs
enter them by nsenter(1). A thread may do so where the process has CAP_SYS_ADMIN in its user namespace: root
has, and so has the guardian of an ordinary user (``kernel.namespace_prefix``).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stack.system.processes import own_pid

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
NEEDED_PROGRAMS = ("nsenter", "setpriv", "env", "ip", "mount")


@dataclass(frozen=True, kw_only=True)
class Namespaces:
    """Open descriptors of a network and a mount namespace, which live as long as these are open."""

    network: int
    mounts: int

    def close(self) -> None:
        """Let go of the namespaces."""
        for descriptor in (self.network, self.mounts):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def nsenter(self) -> tuple[str, ...]:
        """Return the words before a command that is to run inside."""
        folder = f"/proc/{own_pid()}/fd"
        return ("nsenter", f"--net={folder}/{self.network}", f"--mount={folder}/{self.mounts}", "--")


def create() -> Namespaces:
    """Return a new, unconnected network and a copy of the mounts of this machine.

    Raises:
        OSError: the kernel refuses.
    """
    results: list[Namespaces | OSError] = []

    def work() -> None:
        try:
            _call("unshare", CLONE_NEWNET | CLONE_NEWNS)
            results.append(Namespaces(network=_open("net"), mounts=_open("mnt")))
        except OSError as error:
            results.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(results[0], OSError):
        raise results[0]
    return results[0]


def thread_inside(descriptor: int) -> ThreadPoolExecutor:
    """Return a single thread in the network namespace ``descriptor``: its sockets belong to that network."""
    return ThreadPoolExecutor(1, initializer=lambda: _call("setns", descriptor, CLONE_NEWNET))


def thread_beside(pid: int) -> ThreadPoolExecutor:
    """Return a single thread in the network of the process ``pid``."""
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    return thread_inside(descriptor)


def join_user_namespace(pid: int) -> None:
    """Take part in the user namespace of ``pid``, so that its networks may be entered; not needed by root.

    Raises:
        OSError: it belongs to another user, or this process has several threads.
    """
    theirs, ours = Path(f"/proc/{pid}/ns/user").readlink(), Path("/proc/self/ns/user").readlink()
    if theirs != ours:
        descriptor = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
        _call("setns", descriptor, CLONE_NEWUSER)
        os.close(descriptor)


def nsenter_beside(pid: int) -> tuple[str, ...]:
    """Return the words before a command that is to run in the namespaces of the process ``pid``."""
    user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
    return ("nsenter", "--target", str(pid), *user, "--net", "--mount", "--")


def inside(nsenter: Sequence[str], argv: Sequence[str], *, user: str | None, cwd: Path) -> tuple[str, ...]:
    """Return ``argv`` to be run in namespaces, as the account ``user`` and without our capabilities."""
    return (*nsenter, *_identity(user), "env", f"--chdir={cwd}", *argv)


def _identity(user: str | None) -> tuple[str, ...]:
    if user is not None:
        account = pwd.getpwnam(user)
        return ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    if os.geteuid() == 0:
        return ()
    return ("setpriv", "--ambient-caps=-all", "--inh-caps=-all")


def _open(kind: str) -> int:
    return os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY)


def _call(name: str, *arguments: int) -> None:
    function: Callable[..., int] = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
