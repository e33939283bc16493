"""Databases with odd names, settings, types and encodings are compared and copied like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.project import Project
from data.stack import Stack
from stack.commands import data_access
from stack.control import guardians
from stack.data import postgres, rows
from unprotected.protection import Cut, protected_by

SCRIPT = Path(__file__).with_name("odd_database.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("odd")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    project = Project(folder, home / "odd", script=SCRIPT)
    project.up()
    project.wait_for("SELECT $$there$$ FROM pg_class WHERE relname = $$filled$$", "there")
    yield project
    project.done("down", "--volumes")


@protected_by(
    "a comparison does not depend on what the database has set",
    Cut("stack/data/postgres.py", '    "bytea_output": "hex",\n', ""),
)
@protected_by(
    "the text of a name does not depend on the search path",
    Cut("stack/data/rows.py", 'cursor.execute("SET search_path = pg_catalog")', "pass"),
)
@protected_by(
    "a database has more tables than a query has columns",
    Cut("stack/data/rows.py", "COLUMNS_AT_MOST = 1000", "COLUMNS_AT_MOST = 10000"),
)
@protected_by(
    "two tables are two, whatever people call them",
    Cut("stack/data/rows.py", "found[in_sql if label in found else label]", "found[label]"),
)
@protected_by(
    "a row that Python cannot read is shown as it is",
    Cut("stack/commands/snapshot.py", "except (ValueError, RecursionError):", "except KeyError:"),
)
def test_rows_of_every_kind_are_compared(project: Project) -> None:
    project.done("snapshot", "save", "one", "--overwrite")
    assert "nothing has changed" in project.done("snapshot", "diff", "one")
    project.sql(
        'SET ROLE NONE; DELETE FROM public."a.b" WHERE y = 1; INSERT INTO composite VALUES (2, 2, $${}$$);'
        " UPDATE large SET nested = $$[]$$; UPDATE kinds SET f = 2; INSERT INTO computed VALUES (7);"
        " DELETE FROM keyless WHERE ctid = $$(0,1)$$"
    )
    changed = project.done("snapshot", "diff", "one")
    for line in (
        '"public"."a.b": 2 -> 1 rows',
        "large: 1 -> 1 rows, changed",
        '  + {"a":2,"b":2,"j":{}}',
        "  ~ id 1: f 0.30000000000000004 -> 2",
        '  + {"a":7,"b":14}',
        '  - {"a":"x","p":"(1,2)"}',
    ):
        assert line in changed, changed


@protected_by(
    "what works for us is the role that it signs in as, whatever the database has set",
    Cut("stack/data/postgres.py", '    "role": "none",\n', ""),
)
@protected_by(
    "so is pg_dump",
    Cut("stack/data/clients.py", " -c role=none", ""),
)
def test_a_backup_brings_all_of_it_back(project: Project, tmp_path: Path) -> None:
    project.done("snapshot", "save", "two", "--overwrite")
    project.done("backup", str(tmp_path / "backup"))
    project.done("backup", "--verify", str(tmp_path / "backup"))
    project.sql("SET ROLE NONE; DELETE FROM kinds; DROP TABLE many_1")
    project.done("restore", str(tmp_path / "backup"))
    assert "nothing has changed" in project.done("snapshot", "diff", "two")


@protected_by(
    "text without an encoding is read byte by byte",
    Cut("stack/data/postgres.py", "connection.set_client_encoding(BYTES)", "pass"),
)
def test_text_without_an_encoding_is_read_whatever_its_bytes(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", stack.environment["STACK_HOME"])
    server = data_access.access_to(guardians.require_running(stack.name)).server
    with postgres.session(server) as cursor:
        cursor.execute(
            "CREATE DATABASE bytes TEMPLATE template0 ENCODING sql_ascii LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        try:
            with postgres.session(server, "bytes") as inside:
                inside.execute(r"CREATE TABLE t (x text); INSERT INTO t VALUES (E'\xe9'), (E'\xc3\xa9')")
                found = rows.content(inside, "public.t")
        finally:
            postgres.drop(cursor, "bytes")
    assert set(found) == {r'{"x":"\xe9"}', '{"x":"é"}'}
