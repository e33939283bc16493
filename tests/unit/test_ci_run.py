""".ci/run runs every nox session, except for those that have a reason not to be in it."""

from __future__ import annotations

import re

import pytest
from nox import registry

import noxfile
from stack.system.directories import ROOT

FILES = {
    name: (ROOT / ".ci" / name).read_text(encoding="utf-8")
    for name in ("run", "service-stages", "docker-stages")
}
TEXT = "".join(FILES.values())
RUN = set(re.findall(r"nox -s \"?([\w-]+)", TEXT))
ELSEWHERE = {
    "docker-lint": "a part of lint",
    "build": "integration builds what it needs",
    "unprotected": "it takes the better part of an hour; it is run when a protection changes",
    "mutants": "it takes hours, a sample of it minutes; it is run when a service changes",
    "workflows": "it runs sessions that are in here",
    "lock": "lint compares the locks",
    "clean": "it tests nothing",
}


def test_every_session_is_in_ci_or_has_a_reason_not_to_be() -> None:
    assert noxfile.PARTS, "the sessions are registered"
    sessions = {name.partition("(")[0] for name in registry.get()}
    assert sessions - RUN == set(ELSEWHERE)


@pytest.mark.parametrize("name", ["faults", "cli", "data", "docs", "browser"])
def test_a_session_that_knows_engines_runs_on_both(name: str) -> None:
    assert len(re.findall(rf"nox -s {name}\n", FILES["run"])) == 1
    assert f"{name.upper()}_ENGINE=docker nox -s {name}\n" in FILES["docker-stages"]
