"""The way from the services' networks to other hosts: slirp4netns(1), where it is installed.

It needs no rights: it puts a device on the stack's bridge and opens the connections of the services as
connections of this machine. Its own addresses are those of its manual page, in our network.
"""

from __future__ import annotations

import asyncio
import os
import select
import shutil
from pathlib import Path
from typing import Final

from stack.system import programs
from stack.system.network_namespace import Namespaces

PROGRAM: Final = "slirp4netns"
NETWORK: Final = "198.18.0"
"""The first three bytes of all addresses (RFC 2544: no real network has these)."""

GATEWAY: Final = f"{NETWORK}.2"
"""Its gateway; services reach this machine's own localhost at it."""

NAME_SERVER: Final = f"{NETWORK}.3"
DEVICE: Final = "tap0"
DEVICES: Final = Path("/dev/net/tun")
READY_LIMIT_S: Final = 5.0
RESOLVER: Final = Path("/etc/resolv.conf")


class WayOut:
    """A running slirp4netns; it ends with its guardian, whose PID namespace it lives in."""

    def __init__(self, process: programs.Process) -> None:
        self._process = process

    def close(self) -> None:
        """End it."""
        programs.end_group(self._process)


def is_available() -> bool:
    """Return whether services can be given a way out here."""
    return shutil.which(PROGRAM) is not None and os.access(DEVICES, os.R_OK | os.W_OK)


def write_resolver(folder: Path) -> Path | str:
    """Write the services' own resolv.conf(5) and return its path; empty where this machine has none."""
    if not RESOLVER.exists():
        return ""
    path = folder / RESOLVER.name
    path.write_text(f"nameserver {NAME_SERVER}\n")
    return path


async def open_way_out(bridge: Namespaces) -> WayOut | None:
    """Connect a bridge's network with other hosts; None where slirp4netns ends instead."""
    return await asyncio.to_thread(_open, bridge)


def _open(bridge: Namespaces) -> WayOut | None:
    ready, told = os.pipe()
    with os.fdopen(ready, "rb") as reader:
        try:
            process = programs.start_group(_argv(bridge, told), pass_fds=(told, bridge.network))
        finally:
            os.close(told)
        answered, _, _ = select.select([reader], [], [], READY_LIMIT_S)
        if answered and reader.read(1) == b"1":
            return WayOut(process)
    programs.end_group(process)
    return None


def _argv(bridge: Namespaces, ready: int) -> tuple[str, ...]:
    path = f"/proc/self/fd/{bridge.network}"  # it may not look into the guardian as an ordinary user
    options = (f"--ready-fd={ready}", f"--cidr={NETWORK}.0/24", "--netns-type=path")
    return programs.echo((PROGRAM, *options, path, DEVICE))
