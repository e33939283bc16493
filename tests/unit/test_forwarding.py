"""Published ports, handed on to a server of this machine that plays the service."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from stack.engines.local import forwarding
from stack.engines.local.forwarding import End
from stack.errors import PortTaken


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def forwarded_port() -> AsyncIterator[int]:
    """Return a port of this machine behind which a server sends back what it receives."""
    service = await asyncio.start_server(echo, "127.0.0.1", 0)
    address = service.sockets[0].getsockname()

    async def open_connection() -> socket.socket:
        connection = socket.socket()
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address)
        return connection

    server = await forwarding.forward("127.0.0.1", 0, open_connection)
    async with service, server:
        yield server.sockets[0].getsockname()[1]
        for _ in range(100):
            await asyncio.sleep(0)  # both ends learn that the connection is closed


def test_much_data_goes_through_whole_and_the_end_of_each_side_is_passed_on() -> None:
    async def exchange() -> bytes:
        async with forwarded_port() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            sent = bytes(range(256)) * (1 << 13)
            reading = asyncio.ensure_future(reader.read(-1))
            writer.write(sent)
            writer.write_eof()
            received = await asyncio.wait_for(reading, 20)
            writer.close()
            await asyncio.sleep(0.05)  # both ends close once each side has said that it ended
            assert len(received) == len(sent)
            return received

    assert asyncio.run(exchange())[:256] == bytes(range(256))


def receive(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, 5) as connection:
        return connection.recv(1)


def test_a_caller_of_a_service_that_does_not_listen_is_cut_off() -> None:
    async def refuse() -> socket.socket:
        raise ConnectionRefusedError

    async def call() -> None:
        server = await forwarding.forward("127.0.0.1", 0, refuse)
        async with server:
            await asyncio.to_thread(receive, server.sockets[0].getsockname())

    with pytest.raises(ConnectionResetError):
        asyncio.run(call())


def test_a_taken_port_is_reported() -> None:
    async def never() -> socket.socket:
        raise AssertionError

    async def take_twice() -> None:
        first = await forwarding.forward("127.0.0.1", 0, never)
        async with first:
            await forwarding.forward("127.0.0.1", first.sockets[0].getsockname()[1], never)

    with pytest.raises(PortTaken):
        asyncio.run(take_twice())


def test_what_arrives_before_both_ends_are_joined_is_not_lost() -> None:
    class Transport(asyncio.Transport):
        def __init__(self) -> None:
            super().__init__()
            self.written = b""

        def write(self, data: bytes | bytearray | memoryview) -> None:
            self.written += bytes(data)

        def pause_reading(self) -> None: ...

        def resume_reading(self) -> None: ...

    one, two, there = End(), End(), Transport()
    one.connection_made(Transport())
    two.connection_made(there)
    one.data_received(b"early")
    one.join(two)
    assert there.written == b"early"
