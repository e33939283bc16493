"""The roles that own what is in a database, and those that something in it is granted to.

Roles belong to a server and not to a database: one that restores a backup may not have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stack.data.lock import Say
from stack.data.manifest import Manifest

if TYPE_CHECKING:
    from psycopg2 import extensions

NAMED = """
SELECT DISTINCT r.rolname FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
WHERE d.refclassid = 'pg_authid'::regclass AND (d.deptype = 'o') = %s
AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION SELECT current_user WHERE %s ORDER BY 1
"""
"""What the role owns that made the server's data is not listed: it is our own, or owns none of it."""
OWNERS_HERE = (
    "SELECT rolname FROM pg_roles WHERE current_setting('is_superuser') = 'on' OR rolname = current_user"
)
"""Only a superuser gives a table to a role that may not make one in its schema: pg_restore grants last."""
ROLES_HERE = "SELECT rolname FROM pg_roles"


def owners(cursor: extensions.cursor) -> tuple[str, ...]:
    """Return the roles that own something in the database of ``cursor``."""
    return _named(cursor, owning=True)


def grantees(cursor: extensions.cursor) -> tuple[str, ...]:
    """Return the roles to which something in the database of ``cursor`` is granted."""
    return _named(cursor, owning=False)


def _named(cursor: extensions.cursor, *, owning: bool) -> tuple[str, ...]:
    cursor.execute(NAMED, (owning, owning))
    return tuple(row[0] for row in cursor.fetchall())


def restore_options(cursor: extensions.cursor, expected: Manifest, *, user: str, say: Say) -> list[str]:
    """Return what pg_restore leaves out because the server has not the roles for it; say so."""
    options = []
    if lacking := _lacking(cursor, expected.owners or (), OWNERS_HERE):
        say(f"{user} owns what is restored: it cannot be given to {', '.join(lacking)} here")
        options.append("--no-owner")
    if lacking := _lacking(cursor, expected.grantees or (), ROLES_HERE):
        say(f"no privileges are restored: this server has no role {', '.join(lacking)} to grant them to")
        options.append("--no-privileges")
    return options


def _lacking(cursor: extensions.cursor, names: tuple[str, ...], query: str) -> list[str]:
    cursor.execute(query)
    return sorted(set(names) - {row[0] for row in cursor.fetchall()})
