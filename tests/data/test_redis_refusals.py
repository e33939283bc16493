"""A Redis that refuses: nothing is changed, or the next command does the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.project import Project
from stack.data import resp, stores
from unprotected.protection import Cut, protected_by

SCRIPT = "CREATE TABLE book (id int PRIMARY KEY); INSERT INTO book VALUES (1);"
CACHE = {"image": "redis:7", "ports": ["127.0.0.1::6379"]}
BOOKS = "SELECT count(*) FROM book"

REFUSALS = {
    "READONLY": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    "OOM": ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
    "NOAUTH": ("CONFIG SET requirepass secret", "CONFIG SET requirepass ''"),
}
"""What makes Redis refuse, and what makes it take commands again."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("refusals")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    project = Project(folder, home / "refusals", script=SCRIPT, further={"cache": CACHE})
    project.up()
    project.wait_for(BOOKS, "1")
    project.wait_for("SELECT shobj_description(oid, $$pg_database$$) FROM pg_database", "disposable")
    yield project
    project.done("down", "--volumes")


def redis(project: Project, command: str) -> object:
    words = [word.strip("'") for word in command.split()]
    password = "secret" if words[:2] == ["CONFIG", "SET"] and words[-1] == "" else ""
    server = stores.Redis(service="cache", port=project.stack.port("cache"), password=password)
    with resp.session(server) as connection:
        return connection.call(*words)


@protected_by(
    "what Redis refuses is known before the databases are exchanged",
    Cut("stack/data/exchange.py", "    keys.require_replaceable(redis, rows)\n", "    pass\n"),
)
@pytest.mark.parametrize("refusal", ["READONLY", "NOAUTH"])
def test_where_redis_takes_nothing_nothing_is_changed(project: Project, refusal: str) -> None:
    refuse, take = REFUSALS[refusal]
    project.done("snapshot", "save", "one", "--overwrite")
    project.sql("INSERT INTO book VALUES (2)")
    redis(project, refuse)
    done = project.inv("snapshot", "restore", "one")
    redis(project, take)
    assert (done.code, f"Redis refused: {refusal}" in done.output) == (3, True), done.output
    assert "Nothing was changed." in done.output
    assert project.sql(BOOKS).strip() == "2"
    project.done("snapshot", "restore", "one")
    assert project.sql(BOOKS).strip() == "1"


@protected_by(
    "what Redis has to forget makes room for what it is to take",
    Cut("stack/data/keys.py", "            _fill_emptied(connection, commands)\n", "            raise\n"),
)
def test_a_full_redis_makes_room_for_what_it_is_to_hold(project: Project) -> None:
    redis(project, "SET where then")
    project.done("snapshot", "save", "small", "--overwrite")
    redis(project, "SET large " + "x" * 5_000_000)
    redis(project, "CONFIG SET maxmemory 4mb")
    try:
        with pytest.raises(Exception, match="OOM"):
            redis(project, "SET one more")
        project.done("snapshot", "restore", "small")
        assert redis(project, "GET where") == b"then"
        assert redis(project, "DBSIZE") == 1
    finally:
        redis(project, "CONFIG SET maxmemory 0")
        redis(project, "DEL large")


def test_what_redis_cannot_take_after_the_exchange_is_said_and_done_by_the_next_command(
    project: Project,
) -> None:
    refuse, take = REFUSALS["OOM"]
    redis(project, "SET where then")
    project.done("snapshot", "save", "later", "--overwrite")
    redis(project, "SET where now")
    redis(project, refuse)
    first, second = project.inv("snapshot", "restore", "later"), project.inv("snapshot", "save", "more")
    redis(project, take)
    for done in (first, second):
        assert done.code == 3, done.output
        assert "has put its database in place, but not yet its Redis data" in done.output
        assert "Traceback" not in done.output
    assert "completed `inv snapshot restore`" in project.done("snapshot", "list")
    assert redis(project, "GET where") == b"then"


@protected_by(
    "a value that Redis cannot read is known before the databases are exchanged",
    Cut("stack/data/keys.py", "connection.pipeline(_attempts(rows[start : start + BATCH]))", "pass"),
)
def test_a_value_of_another_redis_is_refused_before_anything_is_changed(project: Project) -> None:
    redis(project, "SET where then")
    project.done("snapshot", "save", "strange", "--overwrite")
    database = project.sql(
        "SELECT datname FROM pg_database WHERE shobj_description(oid, $$pg_database$$) ~ $$strange$$"
    ).strip()
    postgres = f"psql -h localhost -U postgres -d {database} -c"
    project.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
    project.done("exec", "db", f"{postgres} 'UPDATE stack_redis.keys SET value = $$nonsense$$'")
    project.sql("INSERT INTO book VALUES (3)")
    before = project.sql(BOOKS)
    done = project.inv("snapshot", "restore", "strange")
    assert (done.code, "Nothing was changed." in done.output) == (3, True), done.output
    assert "DUMP payload" in done.output
    assert project.sql(BOOKS) == before
    project.done("snapshot", "save", "after", "--overwrite")


def test_a_project_s_redis_holds_only_its_own_keys(project: Project) -> None:
    redis(project, "FLUSHALL")
    redis(project, "SET own 1")
    project.done("snapshot", "save", "own", "--overwrite")
    project.done("snapshot", "restore", "own")
    assert redis(project, "KEYS *") == [b"own"]
