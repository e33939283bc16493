"""What happens where a session of staff cannot be stored."""

from __future__ import annotations

import sqlite3

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db import DataError, OperationalError, connection

from core.sessions import SessionStore
from tests.lost_queries import LostAt

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> SessionStore:
    """A session that is stored."""
    session = SessionStore()
    session.create()
    return session


def test_a_session_that_was_deleted_is_not_stored_again(session):
    SessionStore(session.session_key).delete()
    with pytest.raises(UpdateError):
        session.save()


def test_a_session_that_a_lost_database_does_not_store_was_not_deleted(session):
    with pytest.raises(OperationalError), connection.execute_wrapper(LostAt(0)):
        session.save()
    session.save()


def test_any_other_error_of_the_database_is_what_django_makes_of_it(session, monkeypatch):
    def save(self, must_create):
        raise UpdateError from DataError("too long")

    monkeypatch.setattr(DatabaseSessionStore, "save", save)
    with pytest.raises(UpdateError):
        session.save()


def test_an_error_of_the_admin_that_is_no_lost_database_is_ours(admin_client):
    def no_such_table(execute, sql, *rest):
        cause = sqlite3.OperationalError("no such table")
        cause.sqlite_errorcode = sqlite3.SQLITE_ERROR
        raise OperationalError("no such table") from cause

    with pytest.raises(OperationalError), connection.execute_wrapper(no_such_table):
        admin_client.get("/admin/")
