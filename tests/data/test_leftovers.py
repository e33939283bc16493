"""What a command left that was interrupted or killed: the next one drops it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import extensions

from data.stack import Stack
from stack.commands import data_access
from stack.control import guardians
from stack.data import backup, guard, journal, lock, mark, postgres, rows, snapshot, template
from stack.data.journal import Journal
from stack.errors import ServiceFailed
from stack.records import folders
from unprotected.protection import Cut, protected_by


@pytest.fixture
def live(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> guard.LiveData:
    """The data of the stack, for work in this process."""
    monkeypatch.setenv("STACK_HOME", stack.environment["STACK_HOME"])
    return data_access.access_to(guardians.require_running(stack.name)).live()


def interrupt(*words: object, **values: object) -> None:
    raise KeyboardInterrupt


@protected_by(
    "a copy that is interrupted is dropped",
    Cut(
        "stack/data/template.py",
        "    with dropped_on_failure(server, name):\n        if source",
        "    if 1:\n        if source",
    ),
)
def test_a_copy_that_is_interrupted_is_dropped_at_once(
    stack: Stack, live: guard.LiveData, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stack.databases()
    monkeypatch.setattr(mark, "write", interrupt)
    with postgres.session(live.server) as cursor, pytest.raises(KeyboardInterrupt):
        template.copy(cursor, live.server, None, kind="scratch", notes={})
    assert stack.databases() == before


@protected_by(
    "what a killed command left is dropped by the next one",
    Cut(
        "stack/data/template.py",
        "for name in (*replaced, *_unmarked_copies(cursor, server)):",
        "for name in replaced:",
    ),
)
@pytest.mark.parametrize("verb", ["save", "verify"])
def test_copies_of_killed_commands_are_dropped_by_the_next(
    stack: Stack, live: guard.LiveData, good_backup: object, verb: str
) -> None:
    with postgres.session(live.server) as cursor:
        marked = template.copy(cursor, live.server, None, kind="scratch", notes={})
        postgres.create(cursor, "postgres__scratch_half", template="template0")
    if verb == "save":
        stack.typed("snapshot", "save", "after", "--overwrite")
    else:
        stack.typed("backup", "--verify", str(good_backup))
    assert not {marked, "postgres__scratch_half"} & set(stack.databases())


@protected_by(
    "an exchange is undone only in a database of this stack",
    Cut("stack/data/journal.py", "if live is not None and not mark.is_own(live, stack=stack):", "if False:"),
)
def test_a_database_of_another_server_is_not_opened_for_a_command_that_was_killed(
    stack: Stack, live: guard.LiveData
) -> None:
    there = replace(live.server, database="anothers")
    opens = "SELECT datallowconn FROM pg_database WHERE datname = 'anothers'"
    begun = Journal(server=there, redis=None, incoming_oid=0, verb="reset-db", carries_keys=False)
    with postgres.session(live.server) as cursor, lock.exclusive(stack.name, say=print):
        postgres.create(cursor, "anothers", template="template0")
        postgres.allow_connections(cursor, "anothers", allowed=False)
        journal.write(begun)
        try:
            assert journal.heal(stack.name) is None
            assert stack.value(opens, "template1") is False
        finally:
            folders.exchange_journal(stack.name).unlink(missing_ok=True)
            postgres.drop(cursor, "anothers")


@protected_by(
    "a snapshot takes the place of an earlier one in the statement that names it",
    Cut("stack/data/snapshot.py", "for old in earlier]\n", "for old in earlier[:0]]\n"),
)
def test_of_a_snapshot_that_was_replaced_only_the_new_one_is_there(
    stack: Stack, live: guard.LiveData, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.typed("snapshot", "save", "twice", "--overwrite")
    stack.redis("SET twice second")
    monkeypatch.setattr(postgres, "drop", interrupt)
    with pytest.raises(KeyboardInterrupt):
        snapshot.save(live, "twice", branch="", overwrite=True, say=print)
    assert stack.typed("snapshot", "list").count("twice") == 1
    stack.redis("DEL twice")
    stack.typed("snapshot", "restore", "twice")
    assert stack.redis("GET twice") == "second"


@protected_by(
    "a program that a killed command left at work in a container is ended by the next one",
    Cut(
        "stack/data/backup.py",
        "        postgres.end_programs(cursor, server)  # of a command that was killed\n",
        "",
    ),
)
def test_a_program_that_a_killed_command_left_at_work_is_ended_by_the_next(
    stack: Stack, live: guard.LiveData, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = live.server
    name = postgres.program_name(server)
    stack.wait_for_background()  # that ends it, too
    with closing(
        psycopg2.connect(
            host=server.host, port=server.port, user=server.user, password=server.password,
            dbname=server.database, application_name=name,
        )
    ) as left:  # fmt: skip
        stack.typed("backup", str(tmp_path_factory.mktemp("left") / "backup"))
        with pytest.raises(psycopg2.Error), left.cursor() as cursor:
            cursor.execute("SELECT 1")


@protected_by(
    "why a backup fails is what its counting met, not what pg_dump says of it",
    Cut(
        "stack/data/backup.py",
        "            counting.result()\n        raise",
        "            pass\n        raise",
    ),
)
def test_a_backup_says_what_ended_the_transaction_that_it_dumps(
    live: guard.LiveData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def count(cursor: extensions.cursor) -> dict[str, int]:
        cursor.execute("SELECT 1 / 0")
        return {}

    monkeypatch.setattr(rows, "count", count)
    clients = data_access.access_to(guardians.require_running(live.server.stack)).clients()
    origin = backup.Origin(project="shop", version="1")
    with pytest.raises(ServiceFailed, match="division by zero"):
        backup.write(
            tmp_path / "b", live, clients, origin, encrypt=None, progress=lambda doing, size_bytes: None
        )
    assert not (tmp_path / "b").exists()
