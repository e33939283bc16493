"""Which mutations a sample takes, which tests a line has, and which mutations are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutants.places import Equal, Mutation, Place, equals, find_equal, sample, statement_lines
from unprotected.protection import ROOT


def mutations_of(**modules: int) -> list[Mutation]:
    """Return, for each module, so many places with two mutations each."""
    return [
        Mutation(place=Place(file=Path(name), line=line, column=0), operator=operator, occurrence=line)
        for name, places in modules.items()
        for line in range(places)
        for operator in ("first", "second")
    ]


def test_a_sample_is_even_over_modules_and_takes_a_place_once() -> None:
    chosen = sample(mutations_of(large=50, medium=10, small=2), 14, seed=1)
    files = [mutation.place.file.name for mutation in chosen]
    assert {name: files.count(name) for name in files} == {"large": 6, "medium": 6, "small": 2}
    assert len({mutation.place for mutation in chosen}) == 14


def test_a_seed_decides_the_sample() -> None:
    everything = mutations_of(large=50, small=5)
    assert sample(everything, 20, seed=1) == sample(reversed(everything), 20, seed=1)
    assert sample(everything, 20, seed=1) != sample(everything, 20, seed=2)


def test_a_sample_is_no_larger_than_the_code() -> None:
    assert len(sample(mutations_of(small=3), 100, seed=1)) == 3


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
