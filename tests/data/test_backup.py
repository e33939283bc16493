from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import psycopg2
import pytest

from data.damage import rewrite
from data.disks import small_disk
from data.server_log import log_size, processes_that_copied
from data.stack import Stack
from stack.commands import data_access
from stack.control import guardians
from stack.data import manifest, postgres, template
from stack.data.errors import BackupNewer
from unprotected.protection import Cut, protected_by

BRANDS = "SELECT count(*) FROM catalog_product WHERE brand = 'changed'"


def change(stack: Stack) -> None:
    with stack.sql() as cursor:
        cursor.execute("UPDATE catalog_product SET brand = 'changed'")
    stack.redis("SET basket empty")


def oid(stack: Stack) -> object:
    return stack.value("SELECT oid FROM pg_database WHERE datname = 'postgres'")


def test_a_backup_is_whole_restored_and_taken_back(stack: Stack, good_backup: Path) -> None:
    assert "is whole" in stack.typed("backup", "--verify", str(good_backup))
    change(stack)
    stack.typed("restore", str(good_backup))
    assert stack.value(BRANDS) == 0
    assert stack.redis("GET basket") == "full"
    assert stack.get("/api/v1/products?limit=1")[0] == 200
    stack.typed("restore", "--undo")
    assert stack.value(BRANDS) == 1000
    assert stack.redis("GET basket") == "empty"
    stack.typed("restore", "--undo")
    assert stack.value(BRANDS) == 0


def test_the_manifest_says_what_is_in_it(good_backup: Path) -> None:
    contents = manifest.read(good_backup)
    assert (contents.format, contents.postgres, contents.encryption) == (manifest.FORMAT, 15, "")
    assert contents.redis_keys >= 1
    assert contents.rows["catalog_product"] == 1000
    assert "catalog.0002_search_vector" in contents.migrations
    assert (
        contents.files["database.dump"].sha256
        == hashlib.sha256((good_backup / "database.dump").read_bytes()).hexdigest()
    )


@pytest.mark.parametrize(
    ("values", "code", "sentence"),
    [
        ({"project": "another-shop"}, 47, "is a backup of another-shop"),
        ({"postgres": 14}, 49, "was made with Postgres 14"),
        ({"migrations": ["catalog.9999_future"]}, 48, "catalog.9999_future"),
        ({"migrations": []}, 52, "lacks migrations"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused_with_its_own_code(
    stack: Stack, copy: Path, values: dict[str, object], code: int, sentence: str
) -> None:
    before = (oid(stack), stack.databases())
    rewrite(copy, **values)
    done = stack.inv("restore", str(copy))
    assert (done.code, sentence in done.output, "Traceback" in done.output) == (code, True, False), (
        done.output
    )
    assert (oid(stack), stack.databases()) == before


def test_a_format_of_the_future_is_called_newer_not_damaged(copy: Path) -> None:
    raw = json.loads((copy / manifest.FILE).read_text())
    unsigned = {**raw, "format": manifest.FORMAT + 1, "more": 1, "checksum": ""}
    text = json.dumps(unsigned, indent=1) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    (copy / manifest.FILE).write_text(text.replace('"checksum": ""', f'"checksum": "{digest}"'))
    with pytest.raises(BackupNewer):
        manifest.read(copy)


def test_what_is_no_backup_is_called_so(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "letter.txt").write_text("x")
    for name, sentence in (
        ("empty", "is empty"),
        ("file", "is a file"),
        ("others", "holds no"),
        ("none", "not exist"),
    ):
        done = stack.inv("restore", str(tmp_path / name))
        assert (done.code, sentence in done.output) == (45, True), done.output


def test_a_backup_is_never_written_over_something(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("x")
    assert stack.inv("backup", str(tmp_path / "there")).code == 51
    assert stack.inv("backup", str(tmp_path / "file" / "below")).code == 51


def test_a_full_disk_ends_a_backup_with_a_sentence_and_leaves_nothing(stack: Stack, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "64k") as disk:
        done = stack.inv("backup", str(disk / "b"))
        assert (done.code, "no room left" in done.output) == (21, True), done.output
        assert list(disk.iterdir()) == []


def test_an_older_backup_is_migrated_forward_when_that_is_asked_for(stack: Stack, tmp_path: Path) -> None:
    stack.typed("reset-db")
    count = "SELECT count(*) FROM django_migrations WHERE app = 'catalog'"
    newest = stack.value(count)
    stack.typed("manage", "--command", "migrate catalog 0001")
    path = tmp_path / "older"
    stack.typed("backup", str(path))
    stack.typed("manage", "--command", "migrate")
    assert stack.inv("restore", str(path)).code == 52
    stack.typed("restore", str(path), "--migrate")
    assert stack.value(count) == newest
    assert stack.get("/api/v1/products?limit=1&search=chair")[0] == 200
    stack.typed("reset-db")


@protected_by(
    "a restored database gets statistics",
    Cut("stack/commands/spare.py", "loading.analyze(access.server)", "pass"),
)
def test_a_restored_database_gets_its_statistics_in_the_background(stack: Stack, good_backup: Path) -> None:
    stack.typed("restore", str(good_backup))
    stack.databases()  # once nothing is at work in the background any more
    assert stack.value("SELECT count(*) FROM pg_stats WHERE tablename = 'catalog_product'") > 0


@protected_by(
    "several processes restore",
    Cut("stack/data/clients.py", "if jobs == 1:", "if True:"),
)
def test_several_processes_restore_the_same_data(stack: Stack, good_backup: Path) -> None:
    stack.typed("restore", str(good_backup), "--jobs", "1")
    digest = "SELECT md5(string_agg(p::text, ' ' ORDER BY id)) FROM catalog_product p"
    one = stack.value(digest)
    change(stack)
    line = log_size(stack)
    stack.typed("restore", str(good_backup), "--jobs", "2")
    assert len(processes_that_copied(stack, line)) > 1
    assert stack.value(digest) == one
    assert stack.get("/api/v1/products?limit=1&search=chair")[0] == 200


@protected_by(
    "what a killed command left at work does not hold up its clean-up",
    Cut("stack/data/template.py", "postgres.end_sessions(cursor, name)", "pass"),
)
def test_a_database_that_a_program_in_a_container_still_fills_is_dropped_at_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", stack.environment["STACK_HOME"])
    monkeypatch.setattr(postgres, "STATEMENT_S", 2)
    server = data_access.access_to(guardians.require_running(stack.name)).server
    with postgres.session(server) as cursor:
        scratch = template.copy(cursor, server, None, kind="scratch", notes={})
        postgres.allow_connections(cursor, scratch, allowed=True)
    with stack.sql(scratch) as filling, contextlib.suppress(psycopg2.OperationalError):
        filling.execute("CREATE TABLE filled (); BEGIN; LOCK filled")
        template.discard(server, scratch)
        assert scratch not in stack.databases()
        filling.execute("SELECT 1")
        pytest.fail("the session of the dropped database goes on")
