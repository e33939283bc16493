"""The database of any project that its stack made may be thrown away, one that was there before may not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.project import Project
from unprotected.protection import Cut, protected_by

INIT = "CREATE TABLE books (title text);\nINSERT INTO books VALUES ('Emma');\n"
MARK = "SELECT shobj_description(oid, $$pg_database$$) FROM pg_database WHERE datname = $$books$$"


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Iterator[Project]:
    tmp_path.chmod(0o755)
    project = Project(tmp_path, home, script=INIT)
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
