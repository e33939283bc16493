"""Every case on every engine: the facts are as expected, except for the rows of differences."""

from __future__ import annotations

import pytest

from parity.case import Case
from parity.cases import ALL
from parity.conftest import MakeStack
from parity.differences import DIFFERENCES
from stack.engines import registry

ENGINES = ("local", "docker", "podman")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """An engine; Podman is skipped, with the reason, where it is not installed."""
    name: str = request.param
    reason = registry.why_not(name)
    if name == "podman" and reason is not None:
        pytest.skip(f"podman: {reason}")
    assert reason is None, reason
    if name == "podman":
        request.getfixturevalue("podman_image")
    return name


@pytest.mark.parametrize("case", ALL, ids=[case.name.replace(" ", "-") for case in ALL])
def test_the_facts_are_as_expected(case: Case, engine: str, make_stack: MakeStack) -> None:
    files = tuple(file for file in case.overrides if file.endswith(".yml"))
    stack = make_stack(engine, files=files, profiles=case.profiles)
    stack.write(case.compose)
    for name, text in case.overrides.items():
        stack.write(text, name=name)
    here = [row for row in DIFFERENCES if row.is_here and (row.case, row.engine) == (case.name, engine)]
    rows = {row.fact: row.actual for row in here}
    assert dict(case.run(stack)) == {**case.expected, **rows}
