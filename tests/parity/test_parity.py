"""Every case on every engine: what is seen is what is expected, but for the rows of the table."""

from __future__ import annotations

import pytest

from parity.case import Case
from parity.cases import ALL
from parity.conftest import MakeStage
from parity.differences import DIFFERENCES
from stack.engines import registry

ENGINES = ("local", "docker", "podman")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """An engine; Podman is left out, by name, where it is not installed."""
    name: str = request.param
    reason = registry.why_not(name)
    if name == "podman" and reason is not None:
        pytest.skip(f"podman: {reason}")
    assert reason is None, reason
    if name == "podman":
        request.getfixturevalue("podmans_image")
    return name


@pytest.mark.parametrize("case", ALL, ids=[case.name.replace(" ", "-") for case in ALL])
def test_what_is_seen_is_what_is_expected(case: Case, engine: str, make_stage: MakeStage) -> None:
    files = tuple(file for file in case.overrides if file.endswith(".yml"))
    stage = make_stage(engine, files=files, profiles=case.profiles)
    stage.write(case.compose)
    for name, text in case.overrides.items():
        stage.write(text, name=name)
    rows = {row.fact: row.seen for row in DIFFERENCES if (row.case, row.engine) == (case.name, engine)}
    assert dict(case.play(stage)) == {**case.expected, **rows}
