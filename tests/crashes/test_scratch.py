"""The folder of a killed run is removed by the next run; that of a running one is left alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from crashes import scratch


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_gone_after_a_failure(temporary: Path) -> None:
    with pytest.raises(FileExistsError), scratch.folder() as made:
        (made / scratch.LOCK).mkdir()
    assert not list(temporary.iterdir())


def test_the_folder_of_a_killed_run_is_swept(temporary: Path) -> None:
    left = temporary / f"{scratch.PREFIX}killed"
    left.mkdir()
    (left / scratch.LOCK).touch()
    with scratch.folder() as made:
        assert list(temporary.iterdir()) == [made]


def test_the_folder_of_a_living_run_is_left_alone() -> None:
    with scratch.folder() as first, scratch.folder() as second:
        assert first.is_dir()
        assert second.is_dir()
