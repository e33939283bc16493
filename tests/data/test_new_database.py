"""The database of any project that its stack made may be thrown away, one that was there before may not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from data.stack import ENGINE, ROOT, Done, Stack
from unprotected.protection import Cut, protected_by

INIT = "CREATE TABLE books (title text);\nINSERT INTO books VALUES ('Emma');\n"
MARK = "SELECT shobj_description(oid, $$pg_database$$) FROM pg_database WHERE datname = $$books$$"


class Project:
    """A project with Postgres as many have it: no health check, a named volume, a script for its start."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.file = folder / "compose.yml"
        service = {
            "image": "postgres:15",
            "environment": {"POSTGRES_PASSWORD": "secret", "PGPASSWORD": "secret", "POSTGRES_DB": "books"},
            "volumes": ["data:/var/lib/postgresql/data", "./init:/docker-entrypoint-initdb.d:ro"],
            "ports": ["127.0.0.1::5432"],
        }
        name = f"books-{os.getpid()}"
        self.file.write_text(
            yaml.safe_dump({"name": name, "services": {"db": service}, "volumes": {"data": {}}})
        )
        (folder / "init").mkdir()
        (folder / "init" / "books.sql").write_text(INIT)
        environment = {**os.environ, "STACK_HOME": str(home / "books"), "PYTHONPATH": str(ROOT)}
        self._stack = Stack(name=name, kind="", environment=environment)

    def inv(self, *words: str) -> Done:
        """Type a command at the project's stack and return how it ended."""
        return self.typed(*words, "--compose", str(self.file))

    def typed(self, *words: str) -> Done:
        """Type a command, word for word, and return how it ended."""
        return self._stack.typed_raw(*words)

    def up(self) -> None:
        """Start the stack and wait until the database has what its script stores."""
        started = self.inv("up", "--engine", ENGINE)
        assert started.code == 0, started.output
        self.wait_for("SELECT $$up$$", "up")

    def sql(self, statement: str) -> str:
        """Return what psql prints in the service."""
        return self.inv("exec", "db", f"psql -h localhost -U postgres -d books -At -c '{statement}'").output

    def wait_for(self, question: str, answer: str) -> None:
        """Wait until the database gives an answer that holds ``answer``."""
        deadline = time.monotonic() + 60
        while answer not in (output := self.sql(question)):
            assert time.monotonic() < deadline, output
            time.sleep(0.2)


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Iterator[Project]:
    tmp_path.chmod(0o755)
    project = Project(tmp_path, home)
    yield project
    ended = project.inv("down", "--volumes")
    assert ended.code == 0, ended.output


def test_the_data_of_a_project_s_own_database_is_deleted_with_its_stack(project: Project) -> None:
    project.up()
    project.wait_for("SELECT title FROM books", "Emma")
    project.wait_for(MARK, "disposable")
    ended = project.inv("down", "--volumes")
    assert (ended.code, "its data is deleted" in ended.output) == (0, True), ended.output


def test_the_same_data_is_deleted_when_its_stack_has_ended(project: Project) -> None:
    project.up()
    project.wait_for(MARK, "disposable")
    project.inv("down")
    ended = project.inv("down", "--volumes")
    assert (ended.code, "its data is deleted" in ended.output) == (0, True), ended.output
    project.up()
    project.wait_for(MARK, "disposable")


@protected_by(
    "the data of an ended stack is kept where its database had no mark",
    Cut(
        "stack/commands/removal.py",
        "guard.require_removable_remains(name, unmarked.unmarked_database(name), os.environ)",
        "pass",
    ),
)
def test_a_database_without_mark_that_is_older_than_the_stack_is_kept_until_it_is_empty(
    project: Project,
) -> None:
    project.up()
    project.wait_for(MARK, "disposable")
    project.sql("COMMENT ON DATABASE books IS NULL")
    project.inv("down")
    time.sleep(2.5)  # the times of files are not exact
    project.up()
    time.sleep(2)  # a wrong mark would be written now
    ended = project.inv("down", "--volumes")
    assert ended.code != 0, ended.output
    assert "it carries no disposable mark" in ended.output
    project.inv("down")
    for refused in (project.inv("down", "--volumes"), project.typed("prune", "--all")):
        assert (refused.code, "had no disposable mark when" in refused.output) == (23, True), refused.output
    project.up()
    assert "Emma" in project.sql("SELECT title FROM books")
    project.sql("DROP TABLE books")
    project.inv("down")
    project.up()
    project.wait_for(MARK, "disposable")
