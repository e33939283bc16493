"""Sessions of staff in the database; one that a lost database does not save was not deleted."""

from __future__ import annotations

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

from core.unavailable import is_connection_lost, is_timeout


class SessionStore(DatabaseSessionStore):
    """Django's own takes every failure to save for a session that was deleted: this one tells them apart."""

    def save(self, must_create: bool = False) -> None:
        """Store the session. Raises: UpdateError where it was deleted, OperationalError, InterfaceError."""
        try:
            super().save(must_create)
        except UpdateError as error:
            cause = error.__context__
            if cause is not None and (is_connection_lost(cause) or is_timeout(cause)):
                raise cause from cause.__cause__
            raise
