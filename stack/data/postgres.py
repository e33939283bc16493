"""Short sessions on a stack's Postgres server, from a database that is always open to connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from stack.data.stores import Server
from stack.errors import DiskFull, ServiceFailed
from stack.system import libpq
from stack.system.disk_space import reports_full_disk

if TYPE_CHECKING:
    from psycopg2 import extensions


MAINTENANCE = "template1"
"""The database that maintenance connects to: every cluster has it, it holds no data, and the database to be
renamed is another one, even where that is called ``postgres``. A session here is short, because
``CREATE DATABASE`` without a template copies it and waits for its sessions to end."""

CONNECT_S = 5
STATEMENT_S = 600
"""No statement of maintenance takes longer; one that does has met a server that hangs."""
SETTINGS = {
    "role": "none",
    "statement_timeout": f"{STATEMENT_S}s",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_read_only": "off",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
}
"""What a database or a role may have set otherwise. The text of equal rows of two databases is equal."""

SQL_ASCII, BYTES = "SQL_ASCII", "LATIN1"
"""A database whose text is bytes of any encoding, and the one in which every byte is a character."""

NAME_BYTES = 63
"""The server cuts a longer name, also that of a program (NAMEDATALEN - 1)."""

OPTIONS = ("OWNER", "ENCODING", "LC_COLLATE", "LC_CTYPE", "LOCALE_PROVIDER", "ICU_LOCALE", "BUILTIN_LOCALE")
LIKE = """
SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype,
    CASE provider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END,
    CASE provider WHEN 'i' THEN locale END, CASE provider WHEN 'b' THEN locale END
FROM pg_database d, LATERAL (SELECT to_jsonb(d) ->> 'datlocprovider' provider,
    coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') locale) known
WHERE datname = %s
"""
"""Only newer servers know providers, under names that changed: a column that is not there is NULL as JSON."""


@contextmanager
def session(server: Server, database: str = MAINTENANCE) -> Iterator[extensions.cursor]:
    """Give a cursor that commits each statement, and close its connection in the end.

    Raises:
        DiskFull: the server has no room left.
        ServiceFailed: the server refused, or does not answer.
    """
    import psycopg2

    libpq.hide_user_variables()
    try:
        with closing(psycopg2.connect(**_parameters(server, database))) as connection:
            if connection.info.parameter_status("server_encoding") == SQL_ASCII:
                connection.set_client_encoding(BYTES)
            connection.autocommit = True  # a database is created and dropped outside of transactions
            with connection.cursor() as cursor:
                yield cursor
    except psycopg2.Error as error:
        raise _failure(server, str(error).strip()) from error


def _parameters(server: Server, database: str) -> dict[str, Any]:
    return {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "dbname": database,
        "connect_timeout": CONNECT_S,
        "client_encoding": "UTF8",
        "application_name": f"stack {server.stack}",
        "options": " ".join(f"-c {name}={value}" for name, value in SETTINGS.items()),
    }


def _failure(server: Server, text: str) -> ServiceFailed | DiskFull:
    where = f"the database server of {server.stack} ({server.host}:{server.port})"
    if reports_full_disk(text):
        return DiskFull(f"No room is left on the disk of {where}.", hint="Free some, or run `inv prune`.")
    if "permission denied" in text or "must be owner" in text:
        text = text.splitlines()[0]
        return ServiceFailed(
            f"{where[0].upper()}{where[1:]} refused {server.user}: {text}.",
            hint=f"Grant it to {server.user}, which is no superuser on the local engine (docs/engines.md).",
        )
    subject = f"{where[0].upper()}{where[1:]}"
    if "Connection refused" in text:
        return ServiceFailed(
            f"{subject} does not run.", hint=f"See `inv logs {server.service}`; `inv start {server.service}`."
        )
    return ServiceFailed(f"{subject} refused: {text}", hint="See `inv logs`.")


def quoted(name: str) -> str:
    """Return ``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def exists(cursor: extensions.cursor, database: str) -> bool:
    """Return whether the server has a database of that name."""
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
    return cursor.fetchone() is not None


def create(cursor: extensions.cursor, database: str, *, template: str) -> None:
    """Create a database as a copy of ``template``, which must have no sessions."""
    cursor.execute(f"CREATE DATABASE {quoted(database)} TEMPLATE {quoted(template)}")


def create_empty(cursor: extensions.cursor, database: str, *, like: str) -> None:
    """Create a database without a table, with the owner of the database ``like``, its encoding and locale."""
    cursor.execute(LIKE, (like,))
    row = cursor.fetchone()
    assert row is not None
    named = {name: value for name, value in zip(OPTIONS, row, strict=True) if value is not None}
    options = cursor.mogrify(" ".join(f"{name} %s" for name in named), tuple(named.values())).decode()
    cursor.execute(f"CREATE DATABASE {quoted(database)} TEMPLATE template0 {options}")


def drop(cursor: extensions.cursor, database: str) -> None:
    """Drop a database where it exists, and end its sessions."""
    cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE)")


def end_sessions(cursor: extensions.cursor, database: str) -> None:
    """Tell the sessions of a database to end; they do so a little later."""
    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))


def program_name(server: Server) -> str:
    """Return the name by which the server lists the sessions of pg_dump and pg_restore that work for us."""
    return f"stack {server.stack} copying"


def end_programs(cursor: extensions.cursor, server: Server) -> None:
    """End pg_dump and pg_restore that work for us: in a container they go on without their command."""
    cursor.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
        (program_name(server)[:NAME_BYTES],),
    )


def allow_connections(cursor: extensions.cursor, *databases: str, allowed: bool) -> None:
    """Let services connect to databases, or keep new sessions out; existing ones stay."""
    cursor.execute(_allow_statement(databases, allowed=allowed))


def close_statement(*databases: str) -> str:
    """Return what keeps new sessions out at once, to be sent together with what comes next.

    Nobody waits for the disk: after a crash of the server they are open, as before.
    """
    closed = _allow_statement(databases, allowed=False)
    return f"BEGIN; SET LOCAL synchronous_commit = off; {closed}; COMMIT;"


def _allow_statement(databases: Iterable[str], *, allowed: bool) -> str:
    one = "ALTER DATABASE {} WITH ALLOW_CONNECTIONS " + str(allowed).lower()
    return ";".join(one.format(quoted(database)) for database in databases)


def major_version(cursor: extensions.cursor) -> int:
    """Return the major version of the server."""
    cursor.execute("SHOW server_version_num")
    row = cursor.fetchone()
    assert row is not None
    return int(row[0]) // 10000
