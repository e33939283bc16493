from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stack.data import database, guard
from stack.errors import NotDisposable
from stack.records import state
from stack.records.state import StackState
from stack.system import processes

KEPT = StackState(
    name="shop",
    engine="local",
    work_tree="/w",
    run="/w/run",
    token="t",
    ephemeral=False,
    created=0.0,
    pid=4_000_000,
    pid_started=0.0,
    ports={"postgres": {5432: 20001}},
)


def test_a_port_of_a_running_stack_on_this_machine_is_disposable() -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        assert guard.why_not_disposable(host=host, port=20001, kept=KEPT, alive=True) is None


@pytest.mark.parametrize(
    ("host", "port", "kept", "alive", "reason"),
    [
        ("db.example.com", 20001, KEPT, True, "not this machine"),
        ("10.0.0.1", 20001, KEPT, True, "not this machine"),
        ("127.0.0.1", 5432, KEPT, True, "none of the stack shop's"),
        ("127.0.0.1", 20001, KEPT, False, "no running stack"),
        ("127.0.0.1", 20001, None, True, "no running stack"),
    ],
)
def test_anything_else_is_refused_with_the_reason(
    host: str, port: int, kept: StackState | None, alive: bool, reason: str
) -> None:
    said = guard.why_not_disposable(host=host, port=port, kept=kept, alive=alive)
    assert said is not None
    assert reason in said


def test_a_stack_whose_guardian_is_gone_is_refused_before_any_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    monkeypatch.setattr(processes, "is_alive", lambda pid, since: False)
    state.write(KEPT)
    with pytest.raises(NotDisposable, match="no running stack"):
        database.recreate(
            host="127.0.0.1", port=20001, user="postgres", password="p", name="postgres", stack="shop"
        )


def test_a_sqlite_database_is_emptied_under_an_open_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    path = state.folder("shop") / "data" / "shop.sqlite3"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as other:
        other.executescript(
            "CREATE TABLE a (i INTEGER PRIMARY KEY AUTOINCREMENT);"
            'CREATE TABLE "odd ""name" (a REFERENCES a (i));'
            'INSERT INTO a VALUES (1); INSERT INTO "odd ""name" VALUES (1);'
            "CREATE VIEW v AS SELECT * FROM a; CREATE VIRTUAL TABLE f USING fts5 (words);"
        )
        database.empty_sqlite(path, stack="shop")
        left = other.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    assert left == []


def test_a_sqlite_file_elsewhere_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    path = tmp_path / "mine.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE a (i)")
    before = path.read_bytes()
    with pytest.raises(NotDisposable, match="does not belong to the stack shop"):
        database.empty_sqlite(path, stack="shop")
    assert path.read_bytes() == before
