"""A real gateway on a real socket in front of a small backend, one of each per test."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import uvicorn

from gateway.server import server_config
from gateway.settings import Settings
from tests import ports
from tests.backend import Backend


class Gateway:
    """A gateway in a thread, and requests to it."""

    def __init__(self, settings: Settings) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.server = uvicorn.Server(server_config(settings))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def request(self, method: str, path: str, **request: Any) -> tuple[http.client.HTTPResponse, bytes]:
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, **request)
            response = connection.getresponse()
            return response, response.read()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(20)
        self.socket.close()
        assert not self.thread.is_alive(), "the gateway waits for a connection that has ended"


@pytest.fixture
def backend() -> Iterator[Backend]:
    server = Backend()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def serve(backend: Backend) -> Iterator[Callable[..., Gateway]]:
    """Return a function that starts a gateway with the given settings."""
    with contextlib.ExitStack() as stack:

        def start(**changes: Any) -> Gateway:
            settings = replace(Settings(backend_url=backend.url), **changes)
            gateway = Gateway(settings)
            stack.callback(gateway.stop)
            return gateway

        yield start
        backend.release.set()


@pytest.fixture
def gateway(serve: Callable[..., Gateway]) -> Gateway:
    return serve()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Give a port without a listener."""
    with ports.closed_port() as port:
        yield port
