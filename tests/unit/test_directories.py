"""Where the engine keeps its files, and whom those folders must belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.errors import StateUnreadable
from stack.system import directories


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


def test_two_homes_of_an_account_have_different_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = set()
    for name in ("one", "two", "one"):
        monkeypatch.setenv("STACK_HOME", str(tmp_path / name))
        words.add(directories.home_id())
    assert len(words) == 2
