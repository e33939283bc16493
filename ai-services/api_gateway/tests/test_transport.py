"""How a connection ends, step by step: tests/test_connections.py sees it from the client's side."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock, call

import pytest

from gateway.connections.transport import FLUSH_S, LINGER_S, GuardedTransport, Response

ERROR_PAGE = b"HTTP/1.1 400 Bad Request\r\n\r\nInvalid HTTP request received."
FAILURE_PAGE = b"HTTP/1.1 500 Internal Server Error\r\n\r\nInternal Server Error"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture
def socket() -> Mock:
    made = Mock(asyncio.Transport)
    made.is_closing.return_value = False
    return made


@pytest.fixture
def loop() -> Mock:
    return Mock(asyncio.AbstractEventLoop)


@pytest.fixture
def refuse() -> Mock:
    return Mock()


@pytest.fixture
def transport(socket: Mock, loop: Mock, refuse: Mock) -> GuardedTransport:
    return GuardedTransport(socket, loop, on_refusal=refuse)


def steps(socket: Mock) -> list[str]:
    """Return what was done with the socket, without what was only asked."""
    return [name for name, _, _ in socket.method_calls if name not in ("is_closing", "can_write_eof")]


def test_a_response_that_is_complete_is_sent_and_its_connection_closed(
    transport: GuardedTransport, socket: Mock, loop: Mock
) -> None:
    transport.close()
    transport.close()
    assert steps(socket) == ["close"]
    loop.call_later.assert_called_once_with(FLUSH_S, socket.abort)


def test_after_a_refusal_input_is_discarded_for_a_while(
    transport: GuardedTransport, socket: Mock, loop: Mock
) -> None:
    transport.finish_with(b"refused")
    transport.finish_with(b"again")
    assert steps(socket) == ["write", "resume_reading", "write_eof"]
    socket.write.assert_called_once_with(b"refused")
    loop.call_later.assert_called_once_with(LINGER_S, socket.abort)


@pytest.mark.parametrize("answers", [{"can_write_eof": False}, {"is_closing": True}])
def test_where_one_side_cannot_end_alone_both_do(
    transport: GuardedTransport, socket: Mock, answers: dict[str, bool]
) -> None:
    for name, answer in answers.items():
        getattr(socket, name).return_value = answer
    transport.finish_with(b"refused")
    assert steps(socket) == ["write", "close"]


@pytest.mark.parametrize("end", ["close", "abort", "connection_lost"])
def test_nothing_follows_the_end(transport: GuardedTransport, socket: Mock, refuse: Mock, end: str) -> None:
    assert not transport.is_closing()
    getattr(transport, end)()
    assert transport.is_closing()
    socket.reset_mock()
    transport.write(b"more")
    transport.finish_with(b"more")
    transport.pause_reading()
    transport.resume_reading()
    transport.close()
    assert steps(socket) == []
    refuse.assert_not_called()


def test_a_socket_that_closes_by_itself_is_closing(transport: GuardedTransport, socket: Mock) -> None:
    socket.is_closing.return_value = True
    assert transport.is_closing()


def test_reading_is_paused_and_resumed(transport: GuardedTransport, socket: Mock) -> None:
    transport.pause_reading()
    transport.resume_reading()
    assert steps(socket) == ["pause_reading", "resume_reading"]


def test_a_connection_that_is_lost_needs_no_deadline(transport: GuardedTransport, loop: Mock) -> None:
    transport.connection_lost()
    transport = GuardedTransport(Mock(asyncio.Transport), loop, on_refusal=Mock())
    transport.close()
    transport.connection_lost()
    loop.call_later.return_value.cancel.assert_called_once_with()


@pytest.mark.parametrize(
    ("response", "data", "status"),
    [
        (Response.NONE, ERROR_PAGE, 400),
        (Response.NONE, FAILURE_PAGE, 500),
        (Response.NONE, CONTINUE, None),
        (Response.STARTED, ERROR_PAGE, None),
        (Response.ENDING, ERROR_PAGE, 400),
        (Response.ENDING, b"the last part", None),
    ],
)
def test_the_error_page_of_uvicorn_is_replaced_and_nothing_else(
    transport: GuardedTransport, socket: Mock, refuse: Mock, response: Response, data: Any, status: int | None
) -> None:
    transport.response = response
    transport.write(data)
    assert refuse.mock_calls == ([call(status)] if status else [])
    assert socket.write.called == (not status)


def test_what_is_known_of_the_socket_is_told(transport: GuardedTransport, socket: Mock) -> None:
    assert transport.get_extra_info("peername", "none") is socket.get_extra_info.return_value
    socket.get_extra_info.assert_called_once_with("peername", "none")
