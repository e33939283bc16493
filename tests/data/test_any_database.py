"""A snapshot and a backup bring back the database of any project as it was: all that pg_dump writes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.damage import rewrite
from data.project import Project
from data.stack import ENGINE, Stack
from stack.commands import data_access
from stack.control import guardians
from stack.data import postgres, resp, stores
from unprotected.protection import Cut, protected_by

SCRIPT = Path(__file__).with_name("any_database.sql").read_text(encoding="utf-8")
READ_WRITE = "SET TRANSACTION READ WRITE"
CACHE = {
    "image": "redis:7",
    "command": ["redis-server", "--requirepass", "pass word"],
    "ports": ["127.0.0.1::6379"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("any")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    project = Project(folder, home, script=SCRIPT, further={"cache": CACHE})
    project.up()
    project.wait_for("SELECT 1 FROM shop.child", "1")
    yield project
    project.done("down", "--volumes")


def dump(project: Project) -> list[str]:
    """Return the statements that make the database and what is in it, without its mark."""
    written = project.done("exec", "db", "pg_dump -h localhost -U postgres --create --inserts books")
    return [line for line in written.splitlines() if not line.startswith(("COMMENT ON DATABASE", "\\"))]


def redis(project: Project, *commands: str) -> list[object]:
    server = stores.Redis(service="cache", port=project.stack.port("cache"), password="pass word")
    with resp.session(server) as connection:
        return [connection.call(*command.split()) for command in commands]


def change(project: Project) -> None:
    project.sql(
        f"{READ_WRITE}; DELETE FROM shop.item; DROP TABLE public.item; REVOKE ALL ON shop.item FROM reader"
    )
    redis(
        project, "SELECT 0", "SET where changed", "SELECT 5", "SET where changed", "SELECT 7", "SET new one"
    )


@protected_by(
    "a database that comes into use has the settings, owner and privileges of the one that goes",
    Cut(
        "stack/data/exchange.py",
        "            *properties.statements(cursor, old.oid, server.database),\n",
        "",
    ),
)
@protected_by(
    "the keys of all databases of Redis are carried",
    Cut("stack/data/keys.py", "redis.call('INFO', 'keyspace')", "'db0:'"),
)
@protected_by(
    "the privileges in a database are part of its backup",
    Cut("stack/data/clients.py", 'f"--snapshot={moment}"]', 'f"--snapshot={moment}", "--no-privileges"]'),
)
def test_a_snapshot_and_a_backup_bring_back_all_of_it(project: Project, tmp_path: Path) -> None:
    redis(project, "SELECT 0", "SET where 0", "SELECT 5", "SET where 5")
    before = dump(project)
    project.done("snapshot", "save", "one")
    project.done("backup", str(tmp_path / "backup"))
    for back in (("snapshot", "restore", "one"), ("restore", str(tmp_path / "backup"))):
        change(project)
        assert dump(project) != before
        project.done(*back)
        assert dump(project) == before
        assert "nothing has changed" in project.done("snapshot", "diff", "one")
        assert redis(project, "GET where", "SELECT 5", "GET where", "SELECT 7", "DBSIZE") == [
            b"0", b"OK", b"5", b"OK", 0,
        ]  # fmt: skip


def test_the_rows_of_every_schema_are_counted_and_compared(project: Project) -> None:
    project.done("snapshot", "save", "rows", "--overwrite")
    statement = (
        "INSERT INTO stack_exchange.post (body) VALUES ($$new$$); DELETE FROM public.item WHERE id = 1"
    )
    project.sql(f"{READ_WRITE}; {statement}")
    changed = project.done("snapshot", "diff", "rows")
    assert "item: 2 -> 1 rows" in changed
    assert "stack_exchange.post: 2 -> 3 rows" in changed
    assert "shop.item" not in changed


@protected_by(
    "what a server has no roles for is restored without them",
    Cut("stack/data/roles.py", '        options.append("--no-privileges")', "        pass"),
)
def test_roles_that_the_server_has_not_are_named_and_the_data_is_restored(
    project: Project, tmp_path: Path
) -> None:
    project.done("backup", str(tmp_path / "backup"))
    rewrite(tmp_path / "backup", owners=["stranger"], grantees=["reader", "guest"])
    restored = project.done("restore", str(tmp_path / "backup"))
    assert "postgres owns what is restored: it cannot be given to stranger here" in restored
    assert "no privileges are restored: this server has no role guest to grant them to" in restored
    assert "reader" not in project.sql("SELECT relacl FROM pg_class WHERE oid = $$shop.item$$::regclass")


@protected_by(
    "what cannot be given to its owner is restored without one",
    Cut("stack/data/roles.py", '        options.append("--no-owner")', "        pass"),
)
def test_a_table_keeps_its_owner_or_it_is_said_that_it_does_not(project: Project, tmp_path: Path) -> None:
    give = "GRANT CREATE ON SCHEMA stack_exchange TO app; ALTER TABLE stack_exchange.post OWNER TO app"
    project.sql(f"{READ_WRITE}; {give}")
    project.done("backup", str(tmp_path / "backup"))
    restored = project.done("restore", str(tmp_path / "backup"))
    owner = project.sql("SELECT relowner::regrole FROM pg_class WHERE relname = $$post$$").strip()
    said = "postgres owns what is restored: it cannot be given to app here" in restored
    assert (owner, said) == (("postgres", True) if ENGINE == "local" else ("app", False))


@protected_by(
    "an empty database has the encoding and the locale of the one in use",
    Cut("stack/data/postgres.py", "TEMPLATE template0 {options}", "TEMPLATE template0"),
)
def test_an_empty_database_stores_text_as_the_one_in_use_does(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", stack.environment["STACK_HOME"])
    server = data_access.access_to(guardians.require_running(stack.name)).server
    locale = "SELECT encoding, datcollate, datctype FROM pg_database WHERE datname = %s"
    with postgres.session(server) as cursor:
        cursor.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING latin1 LC_COLLATE 'C' LC_CTYPE 'C'")
        postgres.create_empty(cursor, "empty", like="latin")
        found = []
        for name in ("latin", "empty"):
            cursor.execute(locale, (name,))
            found.append(cursor.fetchone())
            postgres.drop(cursor, name)
    assert found == [(8, "C", "C")] * 2


@protected_by(
    "what restores have replaced is dropped in the background",
    Cut("stack/commands/spare.py", "reset.drop_replaced(access.server, access.location(), say=messages.say)"),
    Cut("stack/data/restoration.py", "        template.drop_replaced(cursor, server)\n", ""),
)
def test_databases_that_were_replaced_are_dropped_also_without_a_backend(
    project: Project, tmp_path: Path
) -> None:
    project.done("backup", str(tmp_path / "backup"))
    for _ in range(3):
        project.done("restore", str(tmp_path / "backup"))
    project.stack.wait_for_background()
    names = project.sql("SELECT datname FROM pg_database WHERE datname ~ $$__old_$$").split()
    assert len(names) == 1, names  # what `inv restore --undo` brings back
