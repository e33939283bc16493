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


@pytest.mark.parametrize(
    "error",
    [
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
        caused(ProgrammingError(), psycopg2.ProgrammingError("relation does not exist")),
        ValueError(),
    ],
)
def test_an_error_of_ours_is_not_called_a_lost_connection(error: Exception) -> None:
    middleware = ProblemMiddleware(lambda request: HttpResponse())
    assert middleware.process_exception(RequestFactory().get("/x/"), error) is None


def test_a_statement_that_took_too_long_is_called_busy_not_a_lost_connection() -> None:
    class Cancelled(psycopg2.OperationalError):
        pgcode = "57014"

    error = caused(OperationalError(), Cancelled())
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
