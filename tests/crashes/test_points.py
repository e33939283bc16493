"""Faults are injected exactly where they are asked for; without that, the other tests prove nothing."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from crashes.inside import points
from crashes.inside.points import NOTES, Fault, NoSuchPlace


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    """A module with one function; places that are reached are written to a file."""
    module = types.ModuleType("shop_module")
    module.step = lambda: "done"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shop_module", module)
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    return module


@pytest.mark.parametrize("place", ["shop_module:stop", "shop_module:step.more.x", "no_module:step"])
def test_a_place_that_is_not_there_any_more_is_refused(module: types.ModuleType, place: str) -> None:
    with pytest.raises(NoSuchPlace, match=f"^{place} is not in the shop any more"):
        points.watch([place])


def test_something_happens_at_the_nth_call_only(module: types.ModuleType, tmp_path: Path) -> None:
    points.watch(["shop_module:step"])
    fault = Fault(action="pause=0", when="after", place="shop_module:step", nth=2)
    points.arm(str(fault))
    assert [module.step(), (tmp_path / "notes").exists(), module.step(), module.step()] == [
        "done",
        False,
        "done",
        "done",
    ]
    assert (tmp_path / "notes").read_text() == f"{fault}\n"


def test_nothing_happens_to_others(module: types.ModuleType, tmp_path: Path) -> None:
    points.watch(["shop_module:step"])
    points.arm("")
    module.step()
    assert not (tmp_path / "notes").exists()
