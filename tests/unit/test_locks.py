"""A lock that no longer satisfies what it was made from is named, with the package and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.errors import LockMismatch
from stack.system.directories import ROOT
from tools import locks
from tools.locks import Lock

HASH = " --hash=sha256:00"
LOCKED = f"""\
first==1.5 \\
    {HASH}
    # via -r requirements.in
tool==3.0{HASH}
older==1.0 ; python_version < '3.12'{HASH}
"""
PROJECT = """
[project]
dependencies = ["First>=1.4,<2", "older==1.0; python_version < '3.12'"]
[dependency-groups]
base = ["tool>=3"]
dev = [{ include-group = "base" }]
[tool.stack.locks]
"lock.txt" = { source = "pyproject.toml", groups = ["dev"] }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "lock.txt").write_text(LOCKED)
    return tmp_path


def change_project(root: Path, before: str, after: str) -> None:
    assert before in PROJECT
    (root / "pyproject.toml").write_text(PROJECT.replace(before, after))


def change_lock(root: Path, before: str, after: str) -> None:
    assert before in LOCKED
    (root / "lock.txt").write_text(LOCKED.replace(before, after))


def mismatch_text(root: Path) -> str:
    (lock,) = locks.table(root)
    with pytest.raises(LockMismatch) as problem:
        locks.check(lock, root)
    assert "nox -s lock" in problem.value.hint
    return str(problem.value)


def test_a_lock_that_pins_what_is_asked_for_matches(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert locks.main(root) == 0
    assert capsys.readouterr().out == "1 locks match what they were made from\n"


def test_a_dependency_in_another_version_is_named(root: Path) -> None:
    change_project(root, "First>=1.4,<2", "First>=1.6")
    assert "pins First 1.5" in mismatch_text(root)


def test_a_dependency_that_is_missing_is_named(root: Path) -> None:
    change_project(root, '"First', '"second", "First')
    assert "does not pin second" in mismatch_text(root)


def test_a_group_within_a_group_counts(root: Path) -> None:
    change_lock(root, "tool==3.0", "tool==2.9")
    assert "pins tool 2.9" in mismatch_text(root)


def test_a_pin_that_not_every_python_gets_is_noticed(root: Path) -> None:
    change_project(root, "older==1.0; python_version < '3.12'", "older==1.0")
    assert "does not pin older" in mismatch_text(root)


def test_a_pin_without_a_hash_is_noticed(root: Path) -> None:
    change_lock(root, "tool==3.0" + HASH, "tool==3.0")
    assert "pins tool==3.0 without a hash" in mismatch_text(root)


def test_a_lock_that_is_not_there_pins_nothing(root: Path) -> None:
    (root / "lock.txt").unlink()
    assert "does not pin First" in mismatch_text(root)


def test_a_list_of_requirements_is_a_source_too(root: Path) -> None:
    (root / "servers.in").write_text("# why\nfirst>=1.6  # only these\n")
    with pytest.raises(LockMismatch, match=r"pins first 1\.5"):
        locks.check(Lock(target="lock.txt", source="servers.in"), root)


def test_a_lock_within_another_keeps_its_versions(root: Path) -> None:
    (root / "outer.txt").write_text(f"first==1.4 ; python_version >= '3.12'{HASH}\n")
    with pytest.raises(LockMismatch, match=r"pins first 1\.5, but outer.txt requires first==1\.4"):
        locks.check(Lock(target="lock.txt", source="pyproject.toml", within="outer.txt"), root)


def test_the_command_ends_with_the_code_of_the_error(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change_lock(root, "tool==3.0", "tool==2.9")
    assert locks.main(root) == LockMismatch.code
    assert capsys.readouterr().err.startswith("error: ")


def test_the_table_names_every_lock_of_the_repository() -> None:
    folders = ("tools/requirements", "stack/engines/local", "stack/environments")
    there = {str(file.relative_to(ROOT)) for folder in folders for file in (ROOT / folder).glob("*.txt")}
    for project in (
        "backend",
        "ai-services/api_gateway",
        "compose/dashboard",
        "compose/pgadmin",
        "compose/vault",
        "integration_tests",
    ):
        there |= {str(file.relative_to(ROOT)) for file in (ROOT / project).glob("requirements*.txt")}
    assert {lock.target for lock in locks.table()} == there
