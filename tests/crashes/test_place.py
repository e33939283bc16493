"""Whatever a killed run has left is gone with the next one, and a living run keeps what it has."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from crashes import place


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_gone_after_a_failure(temporary: Path) -> None:
    with pytest.raises(FileExistsError), place.folder() as made:
        (made / place.LOCK).mkdir()
    assert not list(temporary.iterdir())


def test_the_folder_of_a_killed_run_is_swept(temporary: Path) -> None:
    left = temporary / f"{place.PREFIX}killed"
    left.mkdir()
    (left / place.LOCK).touch()
    with place.folder() as made:
        assert list(temporary.iterdir()) == [made]


def test_the_folder_of_a_living_run_is_left_alone() -> None:
    with place.folder() as first, place.folder() as second:
        assert first.is_dir()
        assert second.is_dir()
