"""What `inv prune` removes, and what it leaves alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from stack.records import leftovers, state
from stack.system import cached_folder


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))
    return tmp_path


def made(folder: Path, *, age_s: float) -> Path:
    cached_folder.make_once(folder, lambda target, _: (target / "file").touch())
    used = time.time() - age_s
    os.utime(folder / cached_folder.MARKER, (used, used))
    return folder


def test_a_prepared_folder_goes_once_nobody_used_it_for_two_weeks(homes: Path) -> None:
    old = made(homes / "cache" / "envs" / "old", age_s=cached_folder.UNUSED_S + 60)
    new = made(homes / "cache" / "postgres" / "new", age_s=cached_folder.UNUSED_S - 60)
    assert list(leftovers.remove(data=False)) == ["removed envs/old, unused for two weeks"]
    assert (old.exists(), new.exists()) == (False, True)
    assert not list(old.parent.glob(".old.unused"))


def test_what_is_used_is_young_again(homes: Path) -> None:
    folder = made(homes / "cache" / "envs" / "one", age_s=cached_folder.UNUSED_S + 60)
    cached_folder.make_once(folder, lambda target, _: pytest.fail("it was complete"))
    assert list(leftovers.remove(data=False)) == []


def test_a_folder_without_its_mark_was_never_finished(homes: Path) -> None:
    folder = homes / "cache" / "envs" / "half"
    folder.mkdir(parents=True)
    assert not cached_folder.is_complete(folder)


def test_the_folders_that_all_stacks_share_go_with_the_last_of_them(homes: Path) -> None:
    sockets = state.control_socket("any").parent
    leftovers.scratch_root().mkdir(parents=True, exist_ok=True)
    list(leftovers.remove(data=False))
    assert (sockets.exists(), leftovers.scratch_root().exists()) == (False, False)
