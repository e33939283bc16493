from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from stack.data.backup import FILES
from stack.data.new_folder import new_folder
from stack.errors import DiskFull, NotWritable


def test_a_backup_is_on_the_disk_before_it_gets_its_name_and_so_is_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced, fsync = tmp_path / "backup", [], os.fsync

    def record(descriptor: int) -> None:
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    with new_folder(path, files=FILES) as folder:
        (folder / "database.dump").write_text("data")
        (folder / "manifest.json").write_text("{}")
    before = {name for name, is_named in synced if not is_named}
    after = {name for name, is_named in synced if is_named}
    (temporary,) = before - {"database.dump", "manifest.json"}
    assert temporary.startswith(".")
    assert after == {tmp_path.name}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOENT])
def test_a_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*words: object, **values: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(NotWritable, match=os.strerror(number)), new_folder(tmp_path / "backup", files=FILES):
        pass


@pytest.mark.parametrize(("name", "reason"), [("", "exists already"), ("n" * 300, "File name too long")])
def test_a_name_that_cannot_be_new_is_a_sentence(tmp_path: Path, name: str, reason: str) -> None:
    with (
        pytest.raises(NotWritable, match=reason),
        new_folder(tmp_path / name, files=FILES),
    ):
        pass


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with new_folder(tmp_path / "backup", files=FILES) as folder:
            (folder / "database.dump").write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(DiskFull):
        write()
    assert list(tmp_path.iterdir()) == []


def make_one(parent: Path, name: str) -> None:
    with new_folder(parent / name, files=FILES):
        pass


def abandon(parent: Path, name: str = ".inv-backup-0a1b2c3d", file: str = "database.dump") -> Path:
    """Leave what a backup leaves whose command was killed."""
    (parent / name).mkdir()
    (parent / name / file).write_text("half")
    return parent / name


def test_what_a_killed_backup_left_is_removed_by_the_next_one_beside_it(tmp_path: Path) -> None:
    left = abandon(tmp_path)
    make_one(tmp_path, "another")
    assert not left.exists()


def test_what_a_living_backup_writes_is_left_alone(tmp_path: Path) -> None:
    with new_folder(tmp_path / "one", files=FILES) as folder:
        (folder / "database.dump").write_text("half")
        make_one(tmp_path, "another")
        assert (folder / "database.dump").read_text() == "half"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["another", "one"]


def test_what_looks_alike_and_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    letters = abandon(tmp_path, file="letter.txt")
    elsewhere = abandon(tmp_path, name="elsewhere")
    link = tmp_path / ".inv-backup-00000000"
    link.symlink_to(elsewhere)
    others = abandon(tmp_path, name=".rsync-partial")
    make_one(tmp_path, "another")
    assert all(path.exists() for path in (letters, elsewhere, link, others))
