from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from stack.data import backup
from stack.errors import DiskFull, NotWritable


def test_a_backup_is_on_the_disk_before_it_gets_its_name_and_so_is_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced, fsync = tmp_path / "backup", [], os.fsync

    def record(descriptor: int) -> None:
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    with backup.new_folder(path) as folder:
        (folder / "database.dump").write_text("data")
        (folder / "manifest.json").write_text("{}")
    before = {name for name, is_named in synced if not is_named}
    after = {name for name, is_named in synced if is_named}
    assert before == {"database.dump", "manifest.json", ".backup.partial"}
    assert after == {tmp_path.name}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOENT])
def test_a_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*words: object, **values: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(NotWritable, match=os.strerror(number)), backup.new_folder(tmp_path / "backup"):
        pass


@pytest.mark.parametrize(("name", "reason"), [("", "exists already"), ("n" * 300, "File name too long")])
def test_a_name_that_cannot_be_new_is_a_sentence(tmp_path: Path, name: str, reason: str) -> None:
    with (
        pytest.raises(NotWritable, match=reason),
        backup.new_folder(tmp_path / name),
    ):
        pass


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with backup.new_folder(tmp_path / "backup") as folder:
            (folder / "database.dump").write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(DiskFull):
        write()
    assert list(tmp_path.iterdir()) == []
