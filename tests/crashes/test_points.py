"""What kills the shop's processes does what it says; else all the other tests prove nothing."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from crashes.inside import points
from crashes.inside.points import NOTES, Fate, NoSuchPlace


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    """A module with one function; what is reached is noted in a file."""
    made = types.ModuleType("made")
    made.step = lambda: "done"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "made", made)
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    return made


@pytest.mark.parametrize("place", ["made:stop", "made:step.more.x", "unmade:step"])
def test_a_place_that_is_not_there_any_more_is_refused(module: types.ModuleType, place: str) -> None:
    with pytest.raises(NoSuchPlace, match=f"^{place} is not in the shop any more"):
        points.watch([place])


def test_something_happens_at_the_nth_call_only(module: types.ModuleType, tmp_path: Path) -> None:
    points.watch(["made:step"])
    fate = Fate(action="pause=0", when="after", place="made:step", nth=2)
    points.arm(str(fate))
    assert [module.step(), (tmp_path / "notes").exists(), module.step(), module.step()] == [
        "done",
        False,
        "done",
        "done",
    ]
    assert (tmp_path / "notes").read_text() == f"{fate}\n"


def test_nothing_happens_to_others(module: types.ModuleType, tmp_path: Path) -> None:
    points.watch(["made:step"])
    points.arm("")
    module.step()
    assert not (tmp_path / "notes").exists()
