"""What belongs to a database as a whole: its owner, settings and privileges, and how many may connect.

``CREATE DATABASE ... TEMPLATE`` copies none of it, and `pg_dump` writes it only for a database that it also
creates (https://www.postgresql.org/docs/current/manage-ag-templatedbs.html). So the database that comes into
use is given what the one has that goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stack.data.postgres import quoted

if TYPE_CHECKING:
    from psycopg2 import extensions

WHOLE = """
SELECT pg_get_userbyid(datdba), datconnlimit, datacl IS NOT NULL,
    EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = d.oid)
FROM pg_database d WHERE oid = %s
"""
"""Most databases have no privileges and no settings of their own: they are asked for where there are some."""
SETTINGS = """
SELECT r.rolname, split_part(item, '=', 1), substr(item, strpos(item, '=') + 1)
FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) WITH ORDINALITY items(item, place)
LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_settings p ON p.name = split_part(item, '=', 1)
WHERE s.setdatabase = %s AND (current_setting('is_superuser') = 'on'
    OR (coalesce(r.rolname = current_user, true) AND coalesce(p.context = 'user', true)))
ORDER BY s.setrole, place
"""
"""The settings of a database, of all roles and of single ones, as far as our own role may make them."""
PRIVILEGES = """
SELECT r.rolname, a.privilege_type, a.is_grantable
FROM pg_database d
CROSS JOIN aclexplode(d.datacl) WITH ORDINALITY a(grantor, grantee, privilege_type, is_grantable, place)
LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE d.oid = %s ORDER BY place
"""
LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)
"""Settings that are lists of names; any other value is one word (as in pg_dump: GUC_LIST_QUOTE)."""
NAME = re.compile(r'"((?:[^"]|"")*)"|([^",\s]+)')


def statements(cursor: extensions.cursor, oid: int, database: str) -> Iterator[str]:
    """Return what gives ``database`` the properties of the database with the number ``oid``."""
    cursor.execute(WHOLE, (oid,))
    for owner, limit, has_privileges, has_settings in cursor.fetchall():
        yield f"ALTER DATABASE {quoted(database)} OWNER TO {quoted(owner)}"
        yield f"ALTER DATABASE {quoted(database)} CONNECTION LIMIT {limit}"
        yield f"ALTER DATABASE {quoted(database)} RESET ALL"
        if has_settings:
            yield from _settings(cursor, oid, database)
        if has_privileges:
            yield from _privileges(cursor, oid, database)


def _settings(cursor: extensions.cursor, oid: int, database: str) -> Iterator[str]:
    cursor.execute(SETTINGS, (oid,))
    for role, name, value in cursor.fetchall():
        whose = "" if role is None else f"ROLE {quoted(role)} IN "
        values = ", ".join(cursor.mogrify("%s", (word,)).decode() for word in words(name, value))
        yield f"ALTER {whose}DATABASE {quoted(database)} SET {quoted(name)} TO {values}"


def words(name: str, value: str) -> list[str]:
    """Return the words that a setting is given, from the value as the server stores it."""
    if name not in LISTS:
        return [value]
    return [inner.replace('""', '"') or plain for inner, plain in NAME.findall(value)] or [""]


def _privileges(cursor: extensions.cursor, oid: int, database: str) -> Iterator[str]:
    cursor.execute(PRIVILEGES, (oid,))
    if granted := cursor.fetchall():
        yield f"REVOKE ALL ON DATABASE {quoted(database)} FROM PUBLIC"
    for role, privilege, is_grantable in granted:
        grantee = "PUBLIC" if role is None else quoted(role)
        option = " WITH GRANT OPTION" if is_grantable else ""
        yield f"GRANT {privilege} ON DATABASE {quoted(database)} TO {grantee}{option}"
