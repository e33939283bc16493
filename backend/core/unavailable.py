"""A lost database connection becomes 503 with Retry-After: the request may be sent again.

A database that is exchanged, restarted or failed over ends its sessions. The next request connects anew
(`CONN_HEALTH_CHECKS`); the one that was under way is told to come back, which is no bug of ours (500).
"""

from __future__ import annotations

import logging
import sqlite3

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from core.problems import database_busy, problem_response

logger = logging.getLogger("shop.database")

RETRY_AFTER_S = 1
LOST_CLASSES = frozenset({"08", "57", "53"})
"""Connection exceptions, an operator's intervention, insufficient resources
(https://www.postgresql.org/docs/15/errcodes-appendix.html)."""

CANCELLED, LOCK_NOT_AVAILABLE = "57014", "55P03"
TIMEOUTS = frozenset({CANCELLED, LOCK_NOT_AVAILABLE})
"""statement_timeout and lock_timeout: the connection is well, the statement is not."""

BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
DETAIL = "The database is not available at this moment. Send the request again."


def database_response(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """Return 503 for a lost connection or a statement that took too long, None for any other error."""
    if is_connection_lost(exception):
        logger.warning("Answered 503, the database connection was lost: %s", exception)
        response = problem_response(request, 503, DETAIL, "database-unavailable")
        response["Retry-After"] = str(RETRY_AFTER_S)
        return response
    return database_busy(request, exception) if is_timeout(exception) else None


def is_timeout(exception: BaseException) -> bool:
    """Return whether an error of Django means that a statement or a lock took too long."""
    return getattr(exception.__cause__, "pgcode", None) in TIMEOUTS


def is_connection_lost(exception: BaseException) -> bool:
    """Return whether an error of Django means a lost connection, and not a wrong query."""
    if not isinstance(exception, OperationalError | InterfaceError):
        return False
    cause = exception.__cause__
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode & 0xFF in BUSY
    code = getattr(cause, "pgcode", None)
    # A server that closed the connection, or refused a new one, gave no code.
    return code is None or (code[:2] in LOST_CLASSES and code != CANCELLED)
