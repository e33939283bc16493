from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stack.errors import StateUnreadable, UnknownStack
from stack.records import folders, state
from stack.system import private_folder
from unprotected.protection import Cut, protected_by

FOLDERS = "stack/system/private_folder.py"

KEPT = state.StackState(
    name="shop",
    engine="local",
    work_tree="/w",
    run="/w/run",
    token="t",
    ephemeral=False,
    created=1.0,
    pid=0,
    pid_started=0.0,
    ports={"backend": {8000: 20001}},
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))


def test_what_is_written_is_read_back() -> None:
    state.write(KEPT)
    assert state.read("shop") == KEPT
    assert folders.names() == ("shop",)


def test_a_stack_that_was_never_there_is_none() -> None:
    assert state.read("shop") is None
    assert folders.names() == ()


@protected_by(
    "others cannot read what is kept",
    Cut("stack/system/files.py", "os.O_TRUNC, 0o600", "os.O_TRUNC, 0o644"),
)
def test_only_the_user_may_read_what_is_kept() -> None:
    state.write(KEPT)
    assert stat.S_IMODE(folders.state_file("shop").stat().st_mode) == 0o600


def test_no_temporary_file_stays_behind() -> None:
    state.write(KEPT)
    state.write(replace(KEPT, phase="up"))
    assert [path.name for path in folders.of_stack("shop").iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        json.dumps({"version": 99, "name": "shop"}),
        json.dumps({"version": 1, "name": "shop"}),
    ],
)
def test_a_damaged_file_is_named_with_the_way_out(text: str) -> None:
    state.write(KEPT)
    folders.state_file("shop").write_text(text)
    with pytest.raises(StateUnreadable, match=r"state\.json is damaged or from another version") as caught:
        state.read("shop")
    assert "inv prune" in caught.value.hint


def test_a_key_from_the_future_is_refused_not_dropped() -> None:
    state.write(KEPT)
    raw = json.loads(folders.state_file("shop").read_text()) | {"wings": 2}
    folders.state_file("shop").write_text(json.dumps(raw))
    with pytest.raises(StateUnreadable, match="wings"):
        state.read("shop")


def test_forgetting_keeps_named_volumes_unless_they_are_asked_for() -> None:
    state.write(KEPT)
    volume = folders.of_stack("shop") / "volumes" / "data"
    volume.mkdir(parents=True)
    state.forget("shop", volumes=False)
    assert (folders.names(), volume.exists()) == ((), True)
    state.forget("shop", volumes=True)
    assert not folders.of_stack("shop").exists()


def test_forgetting_a_stack_without_volumes_leaves_nothing() -> None:
    state.write(KEPT)
    state.scratch("shop").mkdir(parents=True)
    state.forget("shop", volumes=False)
    assert not folders.of_stack("shop").exists()
    assert not state.scratch("shop").exists()


def test_the_folder_in_memory_goes_with_the_last_stack_of_its_home() -> None:
    for name in ("shop", "other"):
        state.make_scratch(state.scratch_root() / name)
    state.forget("shop", volumes=False)
    assert state.scratch("other").is_dir()
    state.forget("other", volumes=False)
    assert not state.scratch_root().exists()


@pytest.mark.parametrize("when", ["folder made", "folder looked at"])
def test_a_scratch_folder_is_made_while_another_stack_removes_the_folder_around_it(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = state.scratch_root() / "shop"
    calls: list[Path] = []
    mkdir = Path.mkdir

    def mkdir_beside_another_stack(path: Path, *mode: int, **options: Any) -> None:
        calls.append(path)
        if when == "folder looked at" and calls == [folder.parent, folder]:
            folder.parent.rmdir()
        mkdir(path, *mode, **options)
        if when == "folder made" and calls == [folder.parent]:
            folder.parent.rmdir()

    monkeypatch.setattr(Path, "mkdir", mkdir_beside_another_stack)
    state.make_scratch(folder)
    assert (folder.is_dir(), calls.count(folder.parent)) == (True, 2)
    state.forget("shop", volumes=False)


def test_the_scratch_folder_of_a_stack_stays_the_same_when_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = state.scratch("shop")
    state.make_scratch(folder)
    monkeypatch.setattr(state, "SCRATCH_FREE_BYTES", 1 << 60)
    assert state.scratch("shop") == folder
    state.forget("shop", volumes=False)
    assert state.scratch("shop") == folders.of_stack("shop") / "scratch"


def test_the_control_socket_fits_into_what_the_kernel_allows() -> None:
    assert len(str(folders.control_socket("ecommerce-local-abcdef"))) < 107


@protected_by(
    "a folder below a shared parent belongs to us", Cut(FOLDERS, "found.st_uid != os.geteuid() or ", "")
)
def test_a_folder_of_sockets_that_another_account_made_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = private_folder.make(folders.sockets()).stat().st_uid
    with monkeypatch.context() as patch:
        patch.setattr("stack.system.private_folder.os.geteuid", lambda: owner + 1)
        with pytest.raises(StateUnreadable, match="is not a folder of this account alone") as caught:
            folders.control_socket("shop")
    assert "TMPDIR" in caught.value.hint
    state.remove_shared_folders()


@protected_by(
    "a name matches its pattern before it becomes a path",
    Cut(
        "stack/records/names.py", 'NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")', 'NAME = re.compile(r"(?s).*")'
    ),
)
@pytest.mark.parametrize("name", ["../shop", "/etc", "a/b", "..", ".", "", "Shop", "shop\n", "-shop"])
def test_a_name_that_is_none_never_becomes_a_path(name: str) -> None:
    for path_of in (
        folders.of_stack,
        state.scratch,
        folders.control_socket,
        lambda n: state.forget(n, volumes=True),
    ):
        with pytest.raises(UnknownStack, match="cannot be the name of a stack"):
            path_of(name)


@protected_by(
    "others cannot write to a folder below a shared parent",
    Cut(FOLDERS, " or stat.S_IMODE(found.st_mode) & 0o022", ""),
)
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_scratch_folder_that_others_can_write_to_is_not_used(mode: int) -> None:
    root = state.scratch_root()
    root.mkdir()
    try:
        root.chmod(mode)
        assert state.scratch("shop") == folders.of_stack("shop") / "scratch"
        with pytest.raises(StateUnreadable, match="is not a folder of this account alone"):
            state.make_scratch(root / "shop")
    finally:
        root.rmdir()


@protected_by("a link in the place of a folder is not followed", Cut(FOLDERS, " | os.O_NOFOLLOW", ""))
def test_a_link_is_no_scratch_folder(tmp_path: Path) -> None:
    root = state.scratch_root()
    root.symlink_to(tmp_path)
    try:
        assert state.scratch("shop") == folders.of_stack("shop") / "scratch"
        with pytest.raises(StateUnreadable):
            state.make_scratch(root / "shop")
        assert not (tmp_path / "shop").exists()
    finally:
        root.unlink()
