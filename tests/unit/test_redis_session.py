"""The client that stands in for redis-cli: requests, replies, and how they are printed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from stack.commands import redis_session
from stack.commands.redis_session import ErrorReply, RedisSession
from stack.errors import ServiceFailed


class Server:
    """A server that plays prepared replies and records what it is sent."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.replies = b""
        self.received = b""
        self.thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            self.received = connection.recv(4096)
            connection.sendall(self.replies)

    def session(self, replies: bytes) -> RedisSession:
        self.replies = replies
        self.thread.start()
        return RedisSession("127.0.0.1", self.listener.getsockname()[1])


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.listener.close()
    server.thread.join(5)


@pytest.mark.parametrize(
    ("reply", "printed"),
    [
        (b"+OK\r\n", "OK"),
        (b":42\r\n", "(integer) 42"),
        (b"$-1\r\n", "(nil)"),
        (b'$5\r\na\r\n"b\r\n', '"a\\r\\n\\"b"'),
        (b"$0\r\n\r\n", '""'),
        (b"*0\r\n", "(empty array)"),
        (b"*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n", '1) "a"\n2) 1) (integer) 1\n   2) (nil)'),
        (b"-ERR unknown command 'GTE'\r\n", "(error) ERR unknown command 'GTE'"),
    ],
)
def test_a_reply_is_printed_as_redis_cli_does(server: Server, reply: bytes, printed: str) -> None:
    with server.session(reply) as session:
        assert redis_session.format_reply(session.send(["GET", "a b"])) == printed
    assert server.received == b"*2\r\n$3\r\nGET\r\n$3\r\na b\r\n"


def test_a_refused_command_is_an_exit_code(server: Server) -> None:
    said: list[str] = []
    with server.session(b"-ERR wrong\r\n") as session:
        assert redis_session.run_command(session, ["x"], said.append) == 1
    assert said == ["(error) ERR wrong"]
    assert redis_session.format_reply(ErrorReply("x")) == "(error) x"


def test_a_server_that_goes_away_is_an_error_and_no_traceback(server: Server) -> None:
    with server.session(b"$5\r\n") as session, pytest.raises(ServiceFailed, match="closed the connection"):
        session.send(["GET", "a"])


def test_a_session_reads_commands_until_its_input_ends(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = iter(["", 'get "a', "ping", "quit", "never read"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    said: list[str] = []
    with server.session(b"+PONG\r\n") as session:
        assert redis_session.interact(session, said.append) == 0
    assert said == ["(error) No closing quotation", "PONG"]
