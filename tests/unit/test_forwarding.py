"""Published ports, handed on by a real forwarder to a server of this machine that plays the service."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from stack.engines.local import forwarding
from stack.engines.local.forwarder import End
from stack.engines.local.forwarding import Forwarding
from stack.errors import CommandFailed, PortTaken
from stack.system.ports import is_free

LIMIT_S = 20.0
LOOPBACK = "127.0.0.1"
Use = Callable[[Forwarding, int], None]
"""What a test does with a forwarding and a port that it published."""


@contextlib.asynccontextmanager
async def published(service: tuple[str, int]) -> AsyncIterator[tuple[Forwarding, int]]:
    """Give a forwarding and a port of this machine whose connections go to ``service``."""
    made = Forwarding(())
    try:
        yield made, made.publish(0, service).getsockname()[1]
    finally:
        made.close()


def use(service: tuple[str, int], act: Use) -> None:
    """Do something in a thread, beside the loop of the guardian."""

    async def run() -> None:
        async with published(service) as (made, port):
            await asyncio.wait_for(asyncio.to_thread(act, made, port), LIMIT_S)

    asyncio.run(run())


@pytest.fixture
def service() -> Iterator[socket.socket]:
    """Listen as a service."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.settimeout(LIMIT_S)
        yield listener


def call(port: int) -> socket.socket:
    return socket.create_connection((LOOPBACK, port), LIMIT_S)


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def accept(service: socket.socket) -> socket.socket:
    connection, _ = service.accept()
    connection.settimeout(LIMIT_S)
    return connection


def test_much_data_goes_both_ways_and_the_end_of_each_side_is_passed_on(service: socket.socket) -> None:
    sent = bytes(range(256)) * (1 << 14)

    def exchange(_: Forwarding, port: int) -> None:
        with call(port) as caller, accept(service) as connection:
            writing = threading.Thread(target=lambda: (caller.sendall(sent), caller.shutdown(1)))
            writing.start()
            assert read_all(connection) == sent
            writing.join()
            connection.sendall(sent[::-1][: 1 << 16])  # the other way is still open
            connection.close()
            assert read_all(caller) == sent[::-1][: 1 << 16]

    use(service.getsockname(), exchange)


def fill(connection: socket.socket) -> int:
    """Send until nothing more is taken; return how many bytes were."""
    connection.settimeout(0.5)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 1 << 28:
            sent += connection.send(bytes(1 << 16))
    return sent


def test_a_side_that_does_not_read_stops_the_other_one_and_nothing_is_lost(service: socket.socket) -> None:
    def send(_: Forwarding, port: int) -> None:
        with call(port) as caller, accept(service) as connection:
            sent = fill(caller)
            assert sent < 1 << 27
            caller.shutdown(socket.SHUT_WR)
            assert len(read_all(connection)) == sent

    use(service.getsockname(), send)


def test_an_end_at_which_nothing_more_arrives_is_not_waited_for() -> None:
    one, other = (End(socket.socket(), connected=True) for _ in range(2))
    one.peer, other.peer = other, one
    with one.connection, other.connection:
        assert one.wanted() == selectors.EVENT_READ
        one.ended = True
        assert one.wanted() == 0


def test_a_caller_of_a_service_that_does_not_listen_is_reset(service: socket.socket) -> None:
    address = service.getsockname()
    service.close()

    def ask(_: Forwarding, port: int) -> None:
        with call(port) as caller, pytest.raises(ConnectionResetError):
            caller.recv(1)

    use(address, ask)


@pytest.mark.parametrize("who", ["caller", "service"])
def test_a_reset_is_passed_on(service: socket.socket, who: str) -> None:
    def cut(_: Forwarding, port: int) -> None:
        with call(port) as caller, accept(service) as connection:
            one, other = (caller, connection) if who == "caller" else (connection, caller)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, forwarding.forwarder.RESET)
            one.close()
            with pytest.raises(ConnectionResetError):
                other.recv(1)

    use(service.getsockname(), cut)


def test_callers_wait_while_the_forwarder_has_no_descriptor_left(service: socket.socket) -> None:
    async def run() -> None:
        made = Forwarding(("sh", "-c", 'ulimit -n 8; exec "$@"', "sh"))
        port = made.publish(0, service.getsockname()).getsockname()[1]
        with contextlib.closing(made):
            await asyncio.wait_for(asyncio.to_thread(call_in_turn, port), LIMIT_S)

    def call_in_turn(port: int) -> None:
        with call(port) as first, accept(service) as taken, call(port) as second:
            first.close()
            taken.close()
            with accept(service) as connection:
                connection.sendall(b"x")
                assert second.recv(1) == b"x"

    asyncio.run(run())


def test_a_taken_port_is_reported(service: socket.socket) -> None:
    async def publish() -> None:
        made = Forwarding(())
        with contextlib.closing(made), pytest.raises(PortTaken):
            made.publish(service.getsockname()[1], (LOOPBACK, 1))

    asyncio.run(publish())


def test_a_withdrawn_port_is_free_at_once_and_open_connections_go_on(service: socket.socket) -> None:
    async def withdraw() -> None:
        made = Forwarding(())
        listener = made.publish(0, service.getsockname())
        port = listener.getsockname()[1]
        with contextlib.closing(made), call(port) as caller:
            connection = await asyncio.to_thread(accept, service)
            made.withdraw(listener)
            assert is_free(port)
            made.publish(port, service.getsockname())
            with connection:
                connection.sendall(b"late")
                assert await asyncio.to_thread(caller.recv, 4) == b"late"

    asyncio.run(withdraw())


def test_another_forwarder_is_started_for_one_that_was_killed(
    service: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "SHORT_LIFE_S", 0.0)

    def kill(made: Forwarding, port: int) -> None:
        assert made._forwarder is not None
        made._forwarder.process.kill()
        with call(port) as caller, accept(service):
            caller.sendall(b"x")

    use(service.getsockname(), kill)


def test_the_ports_of_a_forwarder_that_cannot_run_are_closed(service: socket.socket) -> None:
    raised: list[BaseException | None] = []

    async def fail() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: raised.append(what.get("exception")))
        made = Forwarding(("false",))
        port = made.publish(0, service.getsockname()).getsockname()[1]
        with contextlib.closing(made):
            with contextlib.suppress(ConnectionError), call(port) as caller:
                await asyncio.to_thread(caller.recv, 1)
            assert is_free(port)

    asyncio.run(fail())
    assert [type(error) for error in raised] == [CommandFailed]


def test_a_forwarder_ends_with_its_guardian() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        argv = [sys.executable, "-IS", forwarding.forwarder.__file__, str(theirs.fileno())]
        process = subprocess.Popen(argv, pass_fds=[theirs.fileno()])
    ours.close()
    assert process.wait(LIMIT_S) == 0
