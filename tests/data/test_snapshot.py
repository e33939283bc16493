from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from data.stack import Stack
from unprotected.protection import Cut, protected_by

COPIED = 'copy = template.copy(cursor, server, snapshot.database, kind="scratch", notes={})'
BRANDS = "SELECT count(*) FROM catalog_product WHERE brand = 'changed'"


@protected_by(
    "a snapshot holds Redis' keys of its moment",
    Cut("stack/data/journal.py", "keys.replace(redis, rows, announce=begun.verb)", "pass"),
)
@protected_by(
    "a key keeps its time to live",
    Cut("stack/data/keys.py", "max(row.ttl_ms, 0)", "0"),
)
@protected_by(
    "what carried Redis' keys is gone from the database in use",
    Cut("stack/data/journal.py", "keys.forget(cursor)", "pass"),
)
def test_a_snapshot_brings_back_both_stores_as_they_were_at_one_moment(stack: Stack) -> None:
    stack.typed("reset-db")
    stack.redis("SET basket full")
    stack.redis("SET soon gone EX 5000")
    stack.typed("snapshot", "save", "monday")
    with stack.sql() as cursor:
        cursor.execute("UPDATE catalog_product SET brand = 'changed'")
    stack.redis("SET basket empty")
    stack.redis("DEL soon")
    stack.typed("snapshot", "restore", "monday")
    assert stack.value(BRANDS) == 0
    assert stack.redis("GET basket") == "full"
    assert 0 < int(stack.redis("TTL soon")) <= 5000
    assert stack.value("SELECT to_regclass('stack_redis.keys')") is None
    stack.typed("snapshot", "delete", "monday")


@protected_by(
    "a restored snapshot is a copy",
    Cut("stack/data/snapshot.py", COPIED, "copy = snapshot.database"),
)
def test_a_snapshot_can_be_restored_again_and_again(stack: Stack) -> None:
    stack.typed("snapshot", "save", "again")
    for _ in range(2):
        with stack.sql() as cursor:
            cursor.execute("UPDATE catalog_product SET brand = 'changed'")
        stack.typed("snapshot", "restore", "again")
        assert stack.value(BRANDS) == 0
    stack.typed("snapshot", "delete", "again")


def test_the_folder_of_the_run_has_the_list_for_the_dashboard(stack: Stack) -> None:
    def recorded() -> list[str]:
        text = (Path(stack.state["run"]) / "snapshots.json").read_text(encoding="utf-8")
        return [each["name"] for each in json.loads(text)]

    before = recorded()  # written when the stack came up
    stack.typed("snapshot", "save", "recorded")
    assert recorded() == [*before, "recorded"]
    stack.typed("snapshot", "delete", "recorded")
    assert recorded() == before


def test_the_list_says_size_age_branch_and_migrations(stack: Stack) -> None:
    stack.typed("snapshot", "save", "listed")
    listed = {each["name"]: each for each in json.loads(stack.typed("snapshot", "list", "--json"))}
    assert listed["listed"]["size_bytes"] > 1_000_000
    assert listed["listed"]["heads"]["catalog"].startswith("0004")
    assert "listed" in stack.typed("snapshot", "list")
    stack.typed("snapshot", "delete", "listed")
    assert "listed" not in stack.typed("snapshot", "list")


@protected_by(
    "rows are compared, not only counted",
    Cut("stack/data/rows.py", "if then_sums.get(table) != now_sums.get(table) or then", "if then"),
)
def test_a_comparison_shows_the_tables_that_changed_and_the_rows_of_small_ones(stack: Stack) -> None:
    stack.typed("reset-db")
    stack.typed("snapshot", "save", "before")
    assert "nothing has changed" in stack.typed("snapshot", "diff", "before")
    with stack.sql() as cursor:
        cursor.execute("UPDATE catalog_category SET name = 'Renamed' WHERE id = 1")
        cursor.execute("UPDATE catalog_product SET brand = 'changed' WHERE id = 2")
    printed = stack.typed("snapshot", "diff", "before")
    assert re.search(r'  ~ id 1: name "[^"]+" -> "Renamed"$', printed, re.MULTILINE), printed
    assert "catalog_product: 1000 -> 1000 rows, changed" in printed
    stack.typed("snapshot", "delete", "before")


@protected_by(
    "an earlier snapshot of that name goes once the new one is whole",
    Cut("stack/data/snapshot.py", "for snapshot in earlier:", "for snapshot in earlier[:0]:"),
)
def test_the_snapshot_of_a_branch_is_replaced_by_each_save(stack: Stack) -> None:
    stack.typed("snapshot", "save", "feature/cart", "--branch")
    stack.typed("snapshot", "save", "feature/cart", "--branch")
    listed = json.loads(stack.typed("snapshot", "list", "--json"))
    assert [each["name"] for each in listed].count("feature-cart") == 1
    stack.typed("snapshot", "restore", "feature/cart", "--branch")
    stack.typed("snapshot", "delete", "feature-cart")


@protected_by(
    "a name is one word of a few characters",
    Cut("stack/data/snapshot.py", "if not NAME.fullmatch(name):", "if not NAME.match(name):"),
    cases=["words2-32-cannot be the name"],
)
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("restore", "nothing"), 42, "has no snapshot 'nothing'"),
        (("delete", "nothing"), 42, "has no snapshot 'nothing'"),
        (("save", "a/b"), 32, "cannot be the name"),
        (("save", "../a"), 32, "cannot be the name"),
        (("restore", "--name", ""), 32, "No snapshot was named"),
        (("burn", "a"), 32, "does not know 'burn'"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_with_its_own_code(
    stack: Stack, words: tuple[str, ...], code: int, sentence: str
) -> None:
    before = stack.databases()
    done = stack.inv("snapshot", *words)
    assert (done.code, sentence in done.output, "Traceback" in done.output) == (code, True, False), (
        done.output
    )
    assert stack.databases() == before


def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced(stack: Stack) -> None:
    stack.typed("snapshot", "save", "taken")
    refused = stack.inv("snapshot", "save", "taken")
    assert (refused.code, "add --overwrite" in refused.output) == (27, True), refused.output
    stack.typed("snapshot", "save", "taken", "--overwrite")
    stack.typed("snapshot", "delete", "taken")


def test_a_stack_on_sqlite_says_what_applies(file_stack: Stack) -> None:
    done = file_stack.inv("snapshot", "save", "a")
    assert done.code == 41
    assert "has no Postgres: only" in done.output


def test_a_stack_that_is_down_is_a_sentence(stack: Stack) -> None:
    done = stack.inv("snapshot", "save", "a", environment={"STACK_NAME": "data-none"})
    assert done.code == 26


def test_up_on_another_branch_says_where_its_data_is_and_brings_nothing_by_itself(
    stack: Stack, tmp_path: Path
) -> None:
    environment = {"GIT_DIR": str(tmp_path / ".git")}
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)

    def typed_on(branch: str, *words: str) -> str:
        words_of_git = ["git", "symbolic-ref", "HEAD", f"refs/heads/{branch}"]
        subprocess.run(words_of_git, env={**os.environ, **environment}, check=True)
        done = stack.inv(*words, environment=environment)
        assert done.code == 0, done.output
        return done.output

    offer = "the branch feature/cart has data of its own"
    stack.typed("reset-db")
    assert offer not in typed_on("feature/cart", "up")
    typed_on("feature/cart", "snapshot", "save", "--branch")
    assert offer not in typed_on("main", "up")
    with stack.sql() as cursor:
        cursor.execute("UPDATE catalog_product SET brand = 'changed'")
    printed = typed_on("feature/cart", "up")
    assert offer in printed
    assert "`inv snapshot restore --branch`" in printed
    assert stack.value(BRANDS) == 1000
    assert offer not in typed_on("feature/cart", "up")
    typed_on("feature/cart", "snapshot", "restore", "--branch")
    assert stack.value(BRANDS) == 0
    assert offer not in typed_on("feature/cart", "up")
    stack.typed("snapshot", "delete", "feature-cart")
