"""Ports that this process has reserved, by names that the kernel gives once and takes back at our end.

A name in Linux' abstract socket namespace (unix(7)) belongs to a network namespace, as a port does, and to no
account or folder: whoever asks second is refused, whatever files it reads, and nobody has to clean up.
Elsewhere nothing is reserved: the leases of `ports` alone keep the stacks of one home apart.
"""

from __future__ import annotations

import socket
import sys


class Reservations:
    """The ports that nobody else gets as long as this process lives."""

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Reserve a port; answers False where another process has it."""
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
