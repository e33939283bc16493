"""The forwarder: a process between the services that forwards the connections to published ports.

``python -IS forwarder.py DESCRIPTOR``. It reads messages from the guardian at that socket: an address in
text, and with it the descriptor of a socket that listens outside, for a socket keeps its network
(network_namespaces(7)). It ends with the guardian. Nothing of ours is imported: it starts at once.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
import sys
import time

Address = tuple[str, int]

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
CHUNK_BYTES = 1 << 16
CONNECT_TRIES = 2
"""After the first (TCP_SYNCNT, tcp(7)): a service that takes no connection is given up after 7 seconds."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER (socket(7)): the other side sees a reset rather than an empty response."""

LACKING = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
LACKING_PAUSE_S = 0.1
"""How long to wait where a connection cannot be taken: it stays in the queue, and is reported again."""


class End:
    """One end of a forwarded connection: what arrives at it is sent by its peer.

    ``unsent`` is what it could not send yet; ``ended``: nothing more arrives; ``shut``: nothing more is sent.
    """

    def __init__(self, connection: socket.socket, *, connected: bool) -> None:
        self.connection, self.connected = connection, connected
        self.peer = self
        self.unsent = b""
        self.ended = self.shut = False
        self.interest = 0
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def wanted(self) -> int:
        """Return the events to wait for: what is not sent yet stops the reading at the other end."""
        if not self.connected:
            return WRITE
        reading = READ if self.peer.connected and not self.peer.unsent and not self.ended else 0
        return reading | (WRITE if self.unsent else 0)

    def serve(self, events: int) -> None:
        """Do what can be done now.

        Raises:
            OSError: the connection is broken.
        """
        if not self.connected:
            if error := self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, "the service takes no connection")
            self.connected = True
            return
        if events & WRITE:
            self.send()
        if events & READ:
            with contextlib.suppress(BlockingIOError):
                self.peer.unsent = self.connection.recv(CHUNK_BYTES)
                self.ended = not self.peer.unsent
                self.peer.send()

    def send(self) -> None:
        """Send what is there, and the end once all is sent."""
        if self.unsent:
            with contextlib.suppress(BlockingIOError):
                self.unsent = self.unsent[self.connection.send(self.unsent) :]
        if self.peer.ended and not self.unsent and not self.shut:
            self.shut = True
            self.connection.shutdown(socket.SHUT_WR)


class Forwarder:
    """Every port that is listened to, and every connection that is forwarded."""

    def __init__(self, guardian: socket.socket) -> None:
        self._guardian = guardian
        self._selector = selectors.DefaultSelector()
        self._selector.register(guardian, READ)

    def run(self) -> None:
        """Serve until the guardian has ended."""
        while True:
            for key, events in self._selector.select():
                if isinstance(key.data, End):
                    self._serve(key.data, events)
                elif key.data is not None:
                    self._accept(key.fileobj, key.data)  # type: ignore[arg-type]
                elif not self._listen():
                    return

    def _listen(self) -> bool:
        """Take a socket that listens; False: the guardian has ended."""
        message, descriptors, _, _ = socket.recv_fds(self._guardian, 1024, 1)
        for descriptor in descriptors:
            listener = socket.socket(fileno=descriptor)
            listener.setblocking(False)
            host, port = message.decode().split()
            self._selector.register(listener, READ, (host, int(port)))
        return bool(message)

    def _accept(self, listener: socket.socket, address: Address) -> None:
        try:
            caller, connection = _take(listener)
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            if error.errno in LACKING:
                time.sleep(LACKING_PAUSE_S)
                return
            self._selector.unregister(listener)  # the port was withdrawn
            listener.close()
            return
        service = End(connection, connected=False)
        service.peer = End(caller, connected=True)
        service.peer.peer = service
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, CONNECT_TRIES)
        connection.connect_ex(address)
        self._wait_for(service)

    def _serve(self, end: End, events: int) -> None:
        events &= end.interest
        if not events:  # its peer was served in between, and closed it or changed what it waits for
            return
        try:
            end.serve(events)
        except OSError:
            self._close(end, reset=True)
        else:
            if end.shut and end.peer.shut:
                self._close(end, reset=False)
            else:
                self._wait_for(end)
                self._wait_for(end.peer)

    def _wait_for(self, end: End) -> None:
        wanted = end.wanted()
        if wanted == end.interest:
            return
        if not end.interest:
            self._selector.register(end.connection, wanted, end)
        elif not wanted:
            self._selector.unregister(end.connection)
        else:
            self._selector.modify(end.connection, wanted, end)
        end.interest = wanted

    def _close(self, end: End, *, reset: bool) -> None:
        for one in (end, end.peer):
            if one.interest:
                self._selector.unregister(one.connection)
                one.interest = 0
            if reset:
                with contextlib.suppress(OSError):
                    one.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            one.connection.close()
        end.peer.peer = end.peer = end  # no circle is left for the garbage collector


def _take(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    """Return a caller, and a socket of this network for the service."""
    connection = socket.socket()
    try:
        caller, _ = listener.accept()
    except OSError:
        connection.close()
        raise
    return caller, connection


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        Forwarder(socket.socket(fileno=int(sys.argv[1]))).run()
