"""A lost database connection is 503 with Retry-After; any other error stays what it is."""

from __future__ import annotations

import sqlite3

import psycopg2.errors
import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.http import HttpResponse
from django.test import RequestFactory

from core.middleware import ProblemMiddleware
from core.unavailable import is_connection_lost, is_timeout


def caused(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code
    return error


def postgres_error(code: str) -> psycopg2.OperationalError:
    return type("Error", (psycopg2.OperationalError,), {"pgcode": code})()


@pytest.mark.parametrize(
    "error",
    [
        caused(OperationalError(), postgres_error("57P01")),  # an administrator ended the session
        caused(OperationalError(), postgres_error("57P03")),  # the server starts
        caused(OperationalError(), postgres_error("08006")),
        caused(OperationalError(), postgres_error("53300")),  # too many connections
        caused(OperationalError(), sqlite_error(sqlite3.SQLITE_LOCKED)),
        caused(OperationalError(), sqlite_error(sqlite3.SQLITE_BUSY | 2 << 8)),  # an extended code
        caused(OperationalError(), None),
        caused(OperationalError(), psycopg2.OperationalError("server closed the connection unexpectedly")),
        caused(InterfaceError(), psycopg2.InterfaceError("connection already closed")),
        caused(OperationalError(), sqlite_error(sqlite3.SQLITE_BUSY)),
    ],
)
def test_a_lost_connection_is_answered_with_503_and_when_to_come_back(error: Exception) -> None:
    middleware = ProblemMiddleware(lambda request: HttpResponse())
    response = middleware.process_exception(RequestFactory().get("/x/"), error)
    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "error",
    [
        caused(OperationalError(), sqlite_error(sqlite3.SQLITE_ERROR)),
        caused(OperationalError(), sqlite_error(sqlite3.SQLITE_FULL)),
        caused(OperationalError(), postgres_error("40P01")),  # a deadlock
        caused(ProgrammingError(), psycopg2.ProgrammingError("relation does not exist")),
        ValueError(),
    ],
)
def test_an_error_of_ours_is_not_called_a_lost_connection(error: Exception) -> None:
    middleware = ProblemMiddleware(lambda request: HttpResponse())
    assert middleware.process_exception(RequestFactory().get("/x/"), error) is None


@pytest.mark.parametrize("code", ["57014", "55P03"])
def test_a_statement_that_took_too_long_is_called_busy_not_a_lost_connection(code: str) -> None:
    error = caused(OperationalError(), postgres_error(code))
    assert not is_connection_lost(error)
    response = ProblemMiddleware(lambda request: HttpResponse()).process_exception(
        RequestFactory().get("/x/"), error
    )
    assert response is not None
    assert response.status_code == 503
    assert b"busy" in response.content


class WithCode(psycopg2.OperationalError):
    """An error of the server with its code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def pgcode(self) -> str:
        return self.code


@pytest.mark.parametrize(
    ("code", "is_lost"),
    [
        ("08006", True),
        ("57P01", True),
        ("53300", True),
        ("57014", False),
        ("55P03", False),
        ("40001", False),
        ("22P02", False),
    ],
)
def test_the_class_of_the_servers_code_decides(code: str, is_lost: bool) -> None:
    error = caused(OperationalError(), WithCode(code))
    assert is_connection_lost(error) is is_lost
    assert is_timeout(error) is (code in {"57014", "55P03"})


@pytest.mark.parametrize(("code", "words"), [("57P01", "connection was lost"), ("55P03", "is busy")])
def test_the_log_says_why_a_request_was_told_to_come_back(caplog, code: str, words: str) -> None:
    error = caused(OperationalError("the reason"), postgres_error(code))
    ProblemMiddleware(lambda request: HttpResponse()).process_exception(RequestFactory().get("/x/"), error)
    (line,) = caplog.records
    assert line.levelname == "WARNING"
    assert words in line.getMessage()
    assert line.getMessage().endswith(": the reason")
