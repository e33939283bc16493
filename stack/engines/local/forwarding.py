"""Published ports: the guardian listens at ports of this machine, the forwarder forwards the connections.

The forwarder (``forwarder.py``) is a small process in the network between the services, which gets the
sockets that listen from the guardian. Whoever kills it loses open connections: another one is started.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.engines.local import forwarder
from stack.errors import CommandFailed, PortTaken
from stack.plan.plan import LOOPBACK
from stack.system import ports, programs

BACKLOG: Final = 1024
SHORT_LIFE_S: Final = 1.0
"""A forwarder that ends so soon after its start would do so again."""


@dataclass(frozen=True, kw_only=True)
class RunningForwarder:
    """A forwarder, and the socket at whose other end it takes what is published."""

    process: programs.Process
    messages: socket.socket
    started: float


class Forwarding:
    """The published ports of a stack; ``prefix`` is what puts the forwarder between its services."""

    def __init__(self, prefix: Sequence[str]) -> None:
        program = (sys.executable, "-IS", str(Path(forwarder.__file__)))
        self._argv = (*prefix, *program)
        self._loop = asyncio.get_running_loop()
        self._addresses: dict[socket.socket, forwarder.Address] = {}
        self._forwarder: RunningForwarder | None = None

    def publish(self, port: int, address: forwarder.Address) -> socket.socket:
        """Forward connections to ``port`` of this machine to ``address``; return what `withdraw` takes.

        Raises:
            PortTaken: another program listens there.
        """
        try:
            listener = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            message = f"Port {port} is held by {ports.holder(port)}."
            raise PortTaken(message, hint="End that program, or start again.") from error
        self._addresses[listener] = address
        self._hand_over(listener)
        return listener

    def withdraw(self, listener: socket.socket) -> None:
        """Take no more connections at a port; those that are open go on."""
        if self._addresses.pop(listener, None) is not None:
            listener.shutdown(socket.SHUT_RDWR)  # in the forwarder, too: it is the same socket (shutdown(2))
            listener.close()

    def close(self) -> None:
        """Withdraw all ports, and end the forwarder."""
        for listener in tuple(self._addresses):
            self.withdraw(listener)
        self._end()

    def _hand_over(self, listener: socket.socket) -> None:
        if self._forwarder is None:
            self._forwarder = self._start()
        host, port = self._addresses[listener]
        with contextlib.suppress(OSError):  # it has ended: its successor gets them all
            socket.send_fds(self._forwarder.messages, [f"{host} {port}".encode()], [listener.fileno()])

    def _start(self) -> RunningForwarder:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            argv = (*self._argv, str(theirs.fileno()))
            process = programs.spawn(argv, pass_fds=[theirs.fileno()])
        self._loop.add_reader(ours, self._replace)
        return RunningForwarder(process=process, messages=ours, started=self._loop.time())

    def _replace(self) -> None:
        """Start another one: this one has ended."""
        assert self._forwarder is not None
        lived_s = self._loop.time() - self._forwarder.started
        self._end()
        if lived_s < SHORT_LIFE_S:
            for listener in tuple(self._addresses):
                self.withdraw(listener)
            raise CommandFailed(self._argv, "ended at once: the published ports are closed")
        for listener in self._addresses:
            self._hand_over(listener)

    def _end(self) -> None:
        if self._forwarder is not None:
            self._loop.remove_reader(self._forwarder.messages)
            self._forwarder.messages.close()
            self._forwarder.process.kill()
            self._forwarder.process.wait()
            self._forwarder = None
