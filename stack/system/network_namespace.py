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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.system import kernel
from stack.system.processes import own_pid

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
CAPABILITIES_VERSION = 0x20080522
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
CAP_SYS_CHROOT, CAP_SYS_ADMIN = 18, 21
NEEDED_PROGRAMS = ("nsenter", "setpriv", "env", "ip", "mount")


@dataclass(frozen=True, kw_only=True)
class Namespaces:
    """Open descriptors of a network and a mount namespace, which live as long as these are open."""

    network: int
    mounts: int

    def copy(self) -> Namespaces:
        """Return the same namespaces with descriptors of their own."""
        return Namespaces(network=os.dup(self.network), mounts=os.dup(self.mounts))

    def close(self) -> None:
        """Release the namespaces."""
        for descriptor in (self.network, self.mounts):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def nsenter(self, *, mounts: int | None = None) -> tuple[str, ...]:
        """Return the words before a command that is to run inside; ``mounts`` stands in for its own."""
        return nsenter(network=self.network, mounts=self.mounts if mounts is None else mounts)


def nsenter(*, mounts: int, network: int | None = None) -> tuple[str, ...]:
    """Return the words before a command that is to run in open namespaces of ours."""
    folder = f"/proc/{own_pid()}/fd"
    net = () if network is None else (f"--net={folder}/{network}",)
    return ("nsenter", *net, f"--mount={folder}/{mounts}", "--")


def create() -> Namespaces:
    """Return a new, unconnected network and a copy of the mounts of this machine.

    Raises:
        OSError: the kernel refuses.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_unshare).result()


def _unshare() -> Namespaces:
    call("unshare", CLONE_NEWNET | CLONE_NEWNS)
    return Namespaces(network=_open("net"), mounts=_open("mnt"))


def thread_inside(descriptor: int) -> ThreadPoolExecutor:
    """Return a single thread in the network namespace ``descriptor``: its sockets belong to that network."""
    return ThreadPoolExecutor(1, initializer=lambda: call("setns", descriptor, CLONE_NEWNET))


def thread_beside(pid: int) -> ThreadPoolExecutor:
    """Return a single thread in the network of the process ``pid``."""
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    return thread_inside(descriptor)


def join_user_namespace(pid: int) -> None:
    """Take part in the user namespace of ``pid``, so that its networks may be entered; not needed by root.

    Programs that this process starts may enter them, too.

    Raises:
        OSError: it belongs to another user, or this process has several threads.
    """
    if not _is_in_user_namespace_of(pid):
        descriptor = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
        try:
            call("setns", descriptor, CLONE_NEWUSER)
        finally:
            os.close(descriptor)
        _pass_on(CAP_SYS_CHROOT, CAP_SYS_ADMIN)


def _is_in_user_namespace_of(pid: int) -> bool:
    return Path(f"/proc/{pid}/ns/user").readlink() == Path("/proc/self/ns/user").readlink()


def _pass_on(*capabilities: int) -> None:
    """Let programs that this process starts have these capabilities of its own (capabilities(7), ambient)."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the higher ones
    call("capget", header, sets)
    for capability in capabilities:
        sets[2] |= 1 << capability
    call("capset", header, sets)
    for capability in capabilities:
        words = map(ctypes.c_ulong, (PR_CAP_AMBIENT_RAISE, capability, 0, 0))
        call("prctl", PR_CAP_AMBIENT, *words)


def nsenter_beside(pid: int) -> tuple[str, ...]:
    """Return the words before a command that is to run in the namespaces of the process ``pid``."""
    is_inside = os.geteuid() == 0 or _is_in_user_namespace_of(pid)
    user = () if is_inside else ("--user", "--preserve-credentials")
    return ("nsenter", "--target", str(pid), *user, "--net", "--mount", "--")


def inside(nsenter: Sequence[str], argv: Sequence[str], *, user: str | None, cwd: Path) -> tuple[str, ...]:
    """Return ``argv`` to be run in namespaces, as the account ``user`` and without our capabilities."""
    return (*nsenter, *_identity(user), "env", f"--chdir={cwd}", *argv)


def _identity(user: str | None) -> tuple[str, ...]:
    if user is not None:
        account = pwd.getpwnam(user)
        ids = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
        return ("setpriv", *ids, "--no-new-privs", *_ends_with_parent())
    if os.geteuid() == 0:
        return ()
    return ("setpriv", "--ambient-caps=-all", "--inh-caps=-all")


def _ends_with_parent() -> tuple[str, ...]:
    """Return the option that sets the parent-death signal, which a change of account clears (prctl(2))."""
    return () if kernel.in_namespace() else ("--pdeathsig=KILL",)


def _open(kind: str) -> int:
    return os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY)


def call(name: str, *arguments: Any) -> int:
    """Call a function of the C library that returns -1 where it fails.

    Raises:
        OSError: it does.
    """
    function: Callable[..., int] = getattr(ctypes.CDLL(None, use_errno=True), name)
    result = function(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
