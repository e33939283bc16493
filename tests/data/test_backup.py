from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.stack import Stack
from stack.data import manifest
from stack.data.errors import BackupDamaged, BackupNewer

SEED = int(os.environ.get("TEST_SEED", "14"))
BRANDS = "SELECT count(*) FROM catalog_product WHERE brand = 'changed'"


@pytest.fixture(scope="module")
def good_backup(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the stack as seeded, with a key in Redis."""
    path = tmp_path_factory.mktemp("backups") / "good"
    stack.typed("reset-db")
    stack.redis("SET basket full")
    stack.typed("backup", str(path))
    return path


@pytest.fixture
def copy(good_backup: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(good_backup, tmp_path / "copy"))


def change(stack: Stack) -> None:
    with stack.sql() as cursor:
        cursor.execute("UPDATE catalog_product SET brand = 'changed'")
    stack.redis("SET basket empty")


def oid(stack: Stack) -> object:
    return stack.value("SELECT oid FROM pg_database WHERE datname = 'postgres'")


def rewrite(folder: Path, **values: object) -> None:
    """Change the manifest so that it is whole by its checksum."""
    contents = manifest.read(folder)
    raw = {**json.loads((folder / manifest.FILE).read_text()), **values}
    if set(values) <= set(contents.__struct_fields__):
        import msgspec

        manifest.write(folder, msgspec.convert({**raw, "checksum": ""}, manifest.Manifest))


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
    assert (contents.format, contents.postgres, contents.redis_keys, contents.encryption) == (
        1,
        15,
        contents.redis_keys,
        "",
    )
    assert contents.rows["catalog_product"] == 1000
    assert "catalog.0002_search_vector" in contents.migrations
    assert (
        contents.files["database.dump"].sha256
        == hashlib.sha256((good_backup / "database.dump").read_bytes()).hexdigest()
    )


def test_each_of_500_flipped_bits_is_noticed_and_its_file_named(copy: Path) -> None:
    rng = random.Random(SEED)
    for path in sorted(copy.iterdir()):
        original = path.read_bytes()
        for _ in range(500 // 3 + 1):
            place = rng.randrange(len(original) * 8)
            damaged = bytearray(original)
            damaged[place // 8] ^= 1 << place % 8
            path.write_bytes(damaged)
            require_refused(copy, path, f"bit {place}")
        path.write_bytes(original)
    manifest.require_files(copy, manifest.read(copy))


def test_each_of_50_truncations_is_noticed_and_its_file_named(copy: Path) -> None:
    rng = random.Random(SEED)
    for path in sorted(copy.iterdir()):
        original = path.read_bytes()
        for _ in range(50 // 3 + 1):
            length = rng.randrange(len(original))
            path.write_bytes(original[:length])
            require_refused(copy, path, f"{length} bytes")
        path.write_bytes(original)


def require_refused(folder: Path, path: Path, what: str) -> None:
    """Check that the backup in ``folder`` is refused for ``path``; ``what`` was done to it."""

    def check() -> None:
        manifest.require_files(folder, manifest.read(folder))
        pytest.fail(f"{what} of {path.name} went unnoticed")

    with pytest.raises(BackupDamaged) as caught:
        check()
    assert str(path) in caught.value.message, what


@pytest.mark.parametrize("name", ["database.dump", "redis.json.gz", "manifest.json"])
def test_a_damaged_backup_is_refused_before_the_database_is_touched(
    stack: Stack, copy: Path, name: str
) -> None:
    before = (oid(stack), stack.databases())
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    for words in (("restore", str(copy)), ("backup", "--verify", str(copy))):
        done = stack.inv(*words)
        assert (done.code, name in done.output) == (46, True), done.output
    assert (oid(stack), stack.databases()) == before


def test_a_dump_that_is_not_what_the_manifest_counted_is_refused_by_verifying(
    stack: Stack, copy: Path
) -> None:
    before = stack.databases()
    rewrite(copy, rows={**manifest.read(copy).rows, "catalog_product": 999})
    done = stack.inv("backup", "--verify", str(copy))
    assert (done.code, "1000 rows of catalog_product; 999" in done.output) == (46, True), done.output
    assert stack.databases() == before


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
    unsigned = {**raw, "format": 2, "more": 1, "checksum": ""}
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


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a disk of so many bytes in memory."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
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


def test_several_processes_restore_the_same_data(stack: Stack, good_backup: Path) -> None:
    stack.typed("restore", str(good_backup))
    digest = "SELECT md5(string_agg(p::text, ' ' ORDER BY id)) FROM catalog_product p"
    one = stack.value(digest)
    change(stack)
    stack.typed("restore", str(good_backup), "--jobs", "2")
    assert stack.value(digest) == one
    assert stack.get("/api/v1/products?limit=1&search=chair")[0] == 200
