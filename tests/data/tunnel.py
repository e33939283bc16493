"""A port of loopback that leads to another one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any


@contextmanager
def tunnel_to(port: int) -> Iterator[int]:
    """Give a port of loopback that leads to another one."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def copy(source: socket.socket, target: socket.socket) -> None:
            with source, target:
                while data := _received(source):
                    target.sendall(data)

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                server = socket.create_connection(("127.0.0.1", port))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=copy, args=pair, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _received(source: socket.socket) -> Any:
    try:
        return source.recv(65536)
    except OSError:
        return b""
