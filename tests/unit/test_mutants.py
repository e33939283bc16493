"""Which mutations a sample takes, which tests a line has, and which mutations are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutants.parts import files_to_mutate
from mutants.places import Equal, Mutation, equals, find_equal, sample, statement_lines
from unprotected.protection import ROOT

EVERYTHING = [
    Mutation(file=Path(name), line=line, operator="x", occurrence=line) for name in "ab" for line in range(50)
]


def test_a_seed_decides_the_sample() -> None:
    chosen = sample(EVERYTHING, 20, seed=1)
    assert len(set(chosen)) == 20
    assert sample(reversed(EVERYTHING), 20, seed=1) == chosen != sample(EVERYTHING, 20, seed=2)


def test_a_sample_is_no_larger_than_the_code() -> None:
    assert sorted(sample(EVERYTHING, 200, seed=1)) == EVERYTHING


def test_patterns_choose_the_modules_that_hold_something(tmp_path: Path) -> None:
    for name, text in (("b/services.py", "x = 1\n"), ("a/services.py", "x = 1\n"), ("a/__init__.py", "\n")):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    chosen = [tmp_path / "a/services.py", tmp_path / "b/services.py"]
    assert files_to_mutate(tmp_path, ("*/services.py", "a/*.py")) == chosen
    assert files_to_mutate(tmp_path, ("b/services.py",)) == chosen[1:]


ACCEPTED = equals(ROOT / "tests" / "mutants" / "equal.toml")
SERVICES = (ROOT / "backend", ROOT / "ai-services" / "api_gateway")


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: f"{row.file}-{row.old[:40]}")
def test_what_is_accepted_stands_in_the_code_and_says_why(row: Equal) -> None:
    files = [file for folder in SERVICES for file in folder.glob("**/*.py" if row.file == "*" else row.file)]
    old = " ".join(row.old.split())
    assert any(old in " ".join(file.read_text().split()) for file in files)
    assert len(row.reason) > 10


@pytest.mark.parametrize(
    ("row", "is_accepted"),
    [
        (("a.py", "x = 1", "x = 2"), True),
        (("*", "x = 1", "*"), True),
        (("b.py", "x = 1", "x = 2"), False),
        (("a.py", "x = 1", "x = 0"), False),
        (("a.py", "y = 1", "*"), False),
    ],
)
def test_a_row_accepts_its_own_change_alone(row: tuple[str, str, str], is_accepted: bool) -> None:
    file, old, new = row
    rows = [Equal(file=file, old=old, new=new, reason="because")]
    assert (find_equal(rows, "a.py", "x = 1", "x = 2") is not None) is is_accepted


SOURCE = """\
LIMIT = 3

@decorated
def work(
    a,
):
    if a:
        call(
            a,
            LIMIT,
        )
    return a
"""


@pytest.mark.parametrize(
    ("line", "lines"),
    [(1, None), (3, None), (5, None), (7, range(7, 8)), (9, range(8, 12)), (12, range(12, 13))],
)
def test_the_tests_of_a_line_are_those_of_its_statement(line: int, lines: range | None) -> None:
    assert statement_lines(SOURCE, line) == lines
