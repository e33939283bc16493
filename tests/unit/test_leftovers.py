"""What `inv prune` removes, and what it leaves alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from recorded_stacks import write_state

from stack.records import folders, leftovers, state
from stack.system import cached_folder
from unprotected.protection import Cut, protected_by

LEFTOVERS = "stack/records/leftovers.py"


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))
    return tmp_path


def make_cached_folder(folder: Path, *, age_s: float) -> Path:
    cached_folder.make_once(folder, lambda target, _: (target / "file").touch())
    used = time.time() - age_s
    os.utime(folder / cached_folder.MARKER, (used, used))
    return folder


def test_a_prepared_folder_is_removed_after_two_weeks_without_use(homes: Path) -> None:
    old = make_cached_folder(homes / "cache" / "envs" / "old", age_s=cached_folder.UNUSED_S + 60)
    new = make_cached_folder(homes / "cache" / "postgres" / "new", age_s=cached_folder.UNUSED_S - 60)
    assert list(leftovers.remove(data=False)) == ["removed envs/old, unused for two weeks"]
    assert (old.exists(), new.exists()) == (False, True)
    assert not list(old.parent.glob(".old.unused"))


def test_what_a_stack_was_given_that_has_been_up_for_long_is_left_to_it(homes: Path) -> None:
    age_s = cached_folder.UNUSED_S + 60
    used = make_cached_folder(homes / "cache" / "envs" / "used", age_s=age_s)
    write_state("shop", homes, pid=os.getpid(), created=time.time() - age_s - 1)
    assert list(leftovers.remove(data=False)) == []
    assert used.exists()
    make_cached_folder(homes / "cache" / "envs" / "older", age_s=age_s + 60)
    assert list(leftovers.remove(data=False)) == ["removed envs/older, unused for two weeks"]


def test_what_is_used_is_young_again(homes: Path) -> None:
    folder = make_cached_folder(homes / "cache" / "envs" / "one", age_s=cached_folder.UNUSED_S + 60)
    cached_folder.make_once(folder, lambda target, _: pytest.fail("it was complete"))
    assert list(leftovers.remove(data=False)) == []


def test_a_folder_without_its_mark_was_never_finished(homes: Path) -> None:
    folder = homes / "cache" / "envs" / "half"
    folder.mkdir(parents=True)
    assert not cached_folder.is_complete(folder)


def test_the_folders_that_all_stacks_share_go_with_the_last_of_them(homes: Path) -> None:
    sockets = folders.control_socket("any").parent
    state.make_scratch(state.scratch_root() / "shop")
    assert list(leftovers.remove(data=False)) == ["removed the scratch folder of shop"]
    assert (sockets.exists(), state.scratch_root().exists()) == (False, False)


@protected_by(
    "a link in the place of a folder is not followed",
    Cut("stack/system/private_folder.py", " | os.O_NOFOLLOW", ""),
)
def test_nothing_is_removed_through_a_link_in_the_place_of_the_scratch_folders(homes: Path) -> None:
    other = homes / "other" / "data"
    other.mkdir(parents=True)
    state.scratch_root().symlink_to(other.parent)
    try:
        assert list(leftovers.remove(data=True)) == []
        state.forget("data", volumes=True)
        assert other.is_dir()
    finally:
        state.scratch_root().unlink()


@protected_by(
    "prune keeps data unless told otherwise", Cut(LEFTOVERS, "if has_data and not data:", "if False:")
)
def test_kept_data_is_reported(homes: Path) -> None:
    data = folders.of_stack("ended") / state.VOLUMES / "data"
    data.mkdir(parents=True)
    assert list(leftovers.remove(data=False)) == ["kept the data of ended; `inv prune --all` deletes it"]
    assert list(leftovers.remove(data=True)) == ["removed the data of ended"]
    assert not data.exists()


@protected_by(
    "prune leaves alone what is up",
    Cut(LEFTOVERS, "        if _is_up(name):\n            continue\n        has_data", "        has_data"),
)
def test_a_stack_that_starts_meanwhile_is_left_alone(homes: Path) -> None:
    for name in ("first", "second"):
        folders.of_stack(name).mkdir(parents=True)
    removing = leftovers.remove(data=True)
    assert next(removing) == "removed first"
    folders.state_file("second").touch()
    assert list(removing) == []
    assert folders.of_stack("second").is_dir()
