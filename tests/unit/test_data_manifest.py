from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.data import manifest
from stack.data.errors import BackupDamaged, BackupForeign, BackupOtherServer, NotABackup
from stack.data.manifest import Manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A backup of one small file."""
    (tmp_path / "database.dump").write_bytes(random.Random(1).randbytes(4096))
    example = Manifest(
        format=1,
        project="shop",
        stack="shop-1",
        version="0.1.0",
        created="2026-01-01T00:00:00+00:00",
        postgres=15,
        migrations=("catalog.0001_initial",),
        rows={"catalog_product": 3},
        database_bytes=9_000_000,
        redis_keys=0,
        encryption="",
        files={"database.dump": manifest.describe(tmp_path / "database.dump")},
    )
    manifest.write(tmp_path, example)
    return tmp_path


def test_a_manifest_is_read_as_it_was_written(folder: Path) -> None:
    found = manifest.read(folder)
    manifest.require_files(folder, found)
    assert (found.project, found.rows) == ("shop", {"catalog_product": 3})


@pytest.mark.parametrize("name", ["database.dump", "manifest.json"])
def test_any_flipped_bit_is_noticed_and_the_file_named(folder: Path, name: str) -> None:
    path, rng = folder / name, random.Random(2)
    original = path.read_bytes()
    for _ in range(200):
        damaged, place = bytearray(original), rng.randrange(len(original) * 8)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(BackupDamaged, match=name):
            manifest.require_files(folder, manifest.read(folder))


def test_a_blank_that_was_added_to_the_manifest_is_noticed(folder: Path) -> None:
    path = folder / manifest.FILE
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BackupDamaged):
        manifest.read(folder)


def test_a_name_that_leaves_the_folder_is_no_file_of_the_backup(folder: Path) -> None:
    import msgspec

    found = manifest.read(folder)
    outside = folder.parent / f"{folder.name}-outside"
    outside.write_bytes((folder / "database.dump").read_bytes())
    manifest.write(
        folder,
        msgspec.structs.replace(
            found, files={f"../{outside.name}": found.files["database.dump"]}, checksum=""
        ),
    )
    with pytest.raises(BackupDamaged, match="missing"):
        manifest.require_files(folder, manifest.read(folder))


def test_what_does_not_fit_is_refused_with_what_it_is(folder: Path) -> None:
    found = manifest.read(folder)
    manifest.require_fitting(folder, found, project="shop", postgres=15)
    with pytest.raises(BackupForeign, match="is a backup of shop, not of other"):
        manifest.require_fitting(folder, found, project="other", postgres=15)
    with pytest.raises(BackupOtherServer, match="made with Postgres 15"):
        manifest.require_fitting(folder, found, project="shop", postgres=16)


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NotABackup, match="is empty"):
        manifest.read(tmp_path)
    with pytest.raises(NotABackup, match="does not exist"):
        manifest.read(tmp_path / "none")


@pytest.mark.parametrize("refusing", [("read_bytes", "iterdir"), ("stat", "exists"), ("stat",)])
def test_a_folder_that_may_not_be_read_is_named_with_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch, refusing: tuple[str, ...]
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    for name in refusing:
        monkeypatch.setattr(Path, name, refuse)
    with pytest.raises(NotABackup, match=r"holds no readable manifest\.json \(Permission denied\)"):
        manifest.read(folder)


def test_a_path_that_is_too_long_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NotABackup, match="File name too long"):
        manifest.read(tmp_path / ("n" * 300))


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(manifest.LIMIT_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_pipe, "it is no regular file"),
        (make_endless, "it is no regular file"),
        (Path.mkdir, "it is no regular file"),
        (make_huge, "it is larger than 64 MiB"),
    ],
)
def test_what_could_be_read_for_ever_is_no_manifest(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / manifest.FILE)
    with pytest.raises(NotABackup, match=reason):
        manifest.read(tmp_path)
