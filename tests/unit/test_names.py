from __future__ import annotations

from pathlib import Path

import pytest

from stack.records import names


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))


def tree(tmp_path: Path, name: str) -> Path:
    path = tmp_path / name
    (path / ".git").mkdir(parents=True)
    return path


def test_the_first_work_tree_has_the_plain_name_and_keeps_it(tmp_path: Path) -> None:
    first, second = tree(tmp_path, "first"), tree(tmp_path, "second")
    assert names.of_work_tree("shop", first) == "shop"
    assert names.of_work_tree("shop", second).startswith("shop-")
    assert names.of_work_tree("shop", first) == "shop"


def test_two_work_trees_never_share_a_name_and_each_keeps_its_own(tmp_path: Path) -> None:
    trees = [tree(tmp_path, str(number)) for number in range(4)]
    found = [names.of_work_tree("shop", path) for path in trees]
    assert len(set(found)) == 4
    assert found == [names.of_work_tree("shop", path) for path in trees]


def test_a_linked_work_tree_never_claims_the_plain_name(tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / ".git").write_text("gitdir: elsewhere")
    assert names.of_work_tree("shop", linked) != "shop"


def test_the_name_of_a_work_tree_that_is_gone_is_free_again(tmp_path: Path) -> None:
    gone = tree(tmp_path, "gone")
    names.of_work_tree("shop", gone)
    (gone / ".git").rmdir()
    gone.rmdir()
    assert names.of_work_tree("shop", tree(tmp_path, "next")) == "shop"


def test_ephemeral_names_differ() -> None:
    assert names.ephemeral("shop") != names.ephemeral("shop")
