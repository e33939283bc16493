"""Where the engine keeps its files, and whom those folders must belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.errors import StateUnreadable
from stack.system import directories
from unprotected.protection import Cut, protected_by


@protected_by(
    "a home belongs to its account",
    Cut(
        "stack/system/directories.py", "elif path.stat().st_uid not in (os.geteuid(), *ROOTS):", "elif False:"
    ),
)
@pytest.mark.parametrize("variable", ["STACK_HOME", "STACK_CACHE"])
def test_a_home_of_another_account_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    home_of = {"STACK_HOME": directories.state_home, "STACK_CACHE": directories.cache_home}[variable]
    assert home_of() == tmp_path
    monkeypatch.setattr(directories.os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    monkeypatch.setattr(directories, "ROOTS", ())
    with pytest.raises(StateUnreadable, match="belongs to another account") as caught:
        home_of()
    assert caught.value.hint == f"Set {variable} to a folder of your own."


def test_a_home_that_cannot_be_made_names_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StateUnreadable, match=r"/file/home cannot be made \(Not a directory\)") as caught:
        directories.state_home()
    assert caught.value.hint == "Set STACK_HOME to a folder that you may write."


@protected_by(
    "two homes share nothing",
    Cut("stack/system/directories.py", "-{zlib.crc32(str(state_home()).encode()):08x}", ""),
)
def test_two_homes_of_an_account_have_different_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = set()
    for name in ("one", "two", "one"):
        monkeypatch.setenv("STACK_HOME", str(tmp_path / name))
        words.add(directories.home_id())
    assert len(words) == 2
