"""A database connection that is lost in the middle of an operation."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from django.db import OperationalError


class LostAt:
    """Let the first queries of an operation pass, and lose the connection at the one after them."""

    def __init__(self, passing: int) -> None:
        self.passing, self.has_failed, self.sql = passing, False, ""

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        self.passing -= 1
        if self.passing >= 0:
            return execute(sql, *rest)
        self.has_failed, self.sql = True, sql
        cause = sqlite3.OperationalError("database is locked")
        cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise OperationalError("database is locked") from cause
