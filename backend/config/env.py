"""The one reader of the environment.

Every function takes the name of a variable and returns its typed value. A value that is not valid raises
`BadEnvironment`, whose text names the variable and what it may be.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


class BadEnvironment(Exception):
    """A variable is missing or not valid; the message says which, and what to set."""


def text(name: str, default: str | None = None) -> str:
    """Return the variable's text. Raises: BadEnvironment when it is not set and has no default."""
    value = os.environ.get(name, default)
    if value is None:
        raise BadEnvironment(f"{name} is not set: set it in the service's environment.")
    return value


def flag(name: str, default: bool) -> bool:
    """Return a yes/no variable. Raises: BadEnvironment for any other word."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise BadEnvironment(f"{name}={value!r} is neither true nor false.")


def number(name: str, default: int, *, minimum: int = 0) -> int:
    """Return a whole number of at least `minimum`. Raises: BadEnvironment."""
    value = os.environ.get(name, "").strip() or str(default)
    if not value.isdecimal() or int(value) < minimum:
        raise BadEnvironment(f"{name}={value!r} is not a whole number of at least {minimum}.")
    return int(value)


def address(name: str) -> tuple[str, int] | None:
    """Return the host and port of a `HOST:PORT` variable, None where it is empty. Raises: BadEnvironment."""
    value = os.environ.get(name, "").strip()
    host, _, port = value.rpartition(":")
    if value and not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise BadEnvironment(f"{name}={value!r} is not HOST:PORT, for example 127.0.0.1:9464.")
    return (host, int(port)) if value else None


def words(name: str, default: str = "") -> list[str]:
    """Return a list that is written with commas; empty entries are dropped."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def database(value: str, name: str = "DATABASE_URL") -> dict[str, object]:
    """Return Django's settings of one database, read from a URL that `name` holds.

    `postgresql://user:password@host:port/name?sslmode=require` or `sqlite:////absolute/path`.
    Raises: BadEnvironment for another scheme or a URL without a database.
    """
    if not value:
        raise BadEnvironment(f"{name} is not set: name the database.")
    url = urlsplit(value)
    if url.scheme in {"postgresql", "postgres"}:
        return _postgres(name, url.hostname, url.port, url.username, url.password, url.path, url.query)
    if url.scheme == "sqlite" and len(url.path) > 1:
        return _sqlite(unquote(url.path[1:]))
    raise BadEnvironment(f"{name} must be postgresql://user:password@host:port/name or sqlite:////path.")


def _postgres(
    name: str,
    host: str | None,
    port: int | None,
    user: str | None,
    password: str | None,
    path: str,
    query: str,
) -> dict[str, object]:
    if not path.strip("/"):
        raise BadEnvironment(f"{name} names no database after the host.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(path.strip("/")),
        "USER": unquote(user or ""),
        "PASSWORD": unquote(password or ""),
        "HOST": unquote(host or ""),
        "PORT": str(port or 5432),
        "OPTIONS": {"connect_timeout": 5, **_timeouts(), **dict(parse_qsl(query))},
    }


def _timeouts() -> dict[str, str]:
    """Return the limits of statements while requests are served; migrations and seeds take their time."""
    if not flag("DATABASE_TIMEOUTS", False):
        return {}
    statement_ms, lock_ms = number("STATEMENT_TIMEOUT_MS", 10_000), number("LOCK_TIMEOUT_MS", 5_000)
    return {"options": f"-c statement_timeout={statement_ms} -c lock_timeout={lock_ms}"}


def _sqlite(path: str) -> dict[str, object]:
    # Writers queue up at BEGIN IMMEDIATE instead of failing half way with "database is locked".
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path if path == ":memory:" else str(Path(path)),
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
