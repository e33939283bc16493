from __future__ import annotations

from pathlib import Path

import pytest

from stack.data import fingerprint, snapshot
from stack.data.template import Recipe, database_name
from stack.errors import InvalidOption


def test_all_that_decides_the_content_is_in_the_key() -> None:
    recipes = [
        Recipe(code="a"),
        Recipe(code="b"),
        Recipe(code="a", products=0),
        Recipe(code="a", orders=1),
        Recipe(code="a", seed=1),
    ]
    assert len({recipe.key for recipe in recipes}) == len(recipes)
    assert Recipe(code="a").key == Recipe(code="a").key


def test_a_long_name_is_cut_short_before_what_is_added_to_it() -> None:
    assert database_name("postgres", "spare_1") == "postgres__spare_1"
    names = [database_name("ü" * 31, suffix) for suffix in ("spare_", "snapshot_01234567")]
    assert names == ["ü" * 22 + "__spare_", "ü" * 22 + "__snapshot_01234567"]
    assert len(names[1].encode()) <= 63


def test_the_fingerprint_changes_with_a_migration_and_not_with_other_code(tmp_path: Path) -> None:
    migrations = tmp_path / "catalog" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "0001_initial.py").write_text("a")
    first = fingerprint.of_backend(tmp_path)
    (tmp_path / "catalog" / "views.py").write_text("b")
    assert fingerprint.of_backend(tmp_path) == first
    (migrations / "0002_more.py").write_text("c")
    assert fingerprint.of_backend(tmp_path) != first


@pytest.mark.parametrize("name", ["a/b", "..", "-a", "a b", "x" * 64])
def test_a_name_that_cannot_be_one_of_a_snapshot_is_refused(name: str) -> None:
    with pytest.raises(InvalidOption, match="cannot be the name"):
        snapshot.require_name(name)


def test_a_snapshot_without_a_name_is_asked_for_one() -> None:
    with pytest.raises(InvalidOption, match="No snapshot was named"):
        snapshot.require_name("")


def test_a_branch_always_has_a_name_that_a_snapshot_can_have() -> None:
    for branch in ("main", "feature/cart", "-x", "ü/ö", "x" * 90, ""):
        assert snapshot.require_name(snapshot.name_of_branch(branch))
