"""The workflow files: every job is one nox command, pinned, without rights, and the gate misses none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from nox import registry

import noxfile
from stack.system.directories import ROOT
from tools import locks

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
GATE = "integration-tests"
COMMAND = re.compile(r"python3 -m pip install -e \. && nox -s (?P<sessions>[^&|;<>`\n]+)")
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def workflow(file: Path) -> dict[Any, Any]:
    return cast("dict[Any, Any]", yaml.safe_load(file.read_text(encoding="utf-8")))


JOBS = [
    pytest.param(name, job, id=f"{file.stem}/{name}")
    for file in FILES
    for name, job in workflow(file)["jobs"].items()
]


def sessions() -> set[str]:
    """Return every name that ``nox -s`` takes: sessions, and those of one parameter."""
    plain = set(registry.get())
    return plain | {f"tests({part})" for part in noxfile.PARTS}


def sessions_of(command: str) -> Iterator[str]:
    """Return the sessions of a command; what follows ``--`` is the session's own."""
    match = COMMAND.fullmatch(command.strip())
    assert match, f"a job does nothing but call nox, this one runs: {command}"
    for word in match["sessions"].split(" -- ")[0].split():
        yield word.strip("\"'")


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_both_workflows_are_there() -> None:
    assert [file.name for file in FILES] == ["ai-services-ci.yml", "backend-ci.yml"]


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_runs_one_command_which_is_nox_with_sessions_that_exist(name: str, job: dict[str, Any]) -> None:
    (command,) = commands(job)
    named = set(sessions_of(command))
    assert named
    assert named <= sessions()


@pytest.mark.parametrize(
    "command",
    [
        "docker compose up -d",
        "python3 -m pip install -e . && nox -s lint && rm -rf .nox",
        "python3 -m pip install -e . && nox -s lint; true",
        "python3 -m pip install -e . && nox -s lint || true",
        "python3 -m pip install -e . && nox -s lint\npytest",
        "python3 -m pip install -e . && nox",
    ],
)
def test_anything_but_one_call_of_nox_is_noticed(command: str) -> None:
    with pytest.raises(AssertionError, match="nothing but call nox"):
        list(sessions_of(command))


def test_a_session_that_does_not_exist_is_noticed() -> None:
    command = 'python3 -m pip install -e . && nox -s lint "tests(mobile)" -- --stack ci'
    assert set(sessions_of(command)) - sessions() == {"tests(mobile)"}


def test_the_workflows_run_the_tests_of_every_part() -> None:
    named = {name for param in JOBS for command in commands(param.values[1]) for name in sessions_of(command)}
    assert {f"tests({part})" for part in noxfile.PARTS} <= named


def test_the_engine_is_tested_on_every_python_that_it_supports() -> None:
    job = workflow(FOLDER / "backend-ci.yml")["jobs"]["engine-tests"]
    (command,) = commands(job)
    (setup,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python@")]
    assert list(sessions_of(command)) == ["tests(stack)"]
    assert setup["with"]["python-version"] == "${{ matrix.python }}"
    assert [f"{version}.0" for version in job["strategy"]["matrix"]["python"]] == list(locks.PYTHONS)
    assert job["strategy"]["fail-fast"] is False, "one red version must not hide the others"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_gate_needs_every_other_job(file: Path) -> None:
    jobs = workflow(file)["jobs"]
    assert set(jobs) >= {"lint-and-tests", "docker-lint", "build-sanity", GATE}
    assert set(jobs[GATE]["needs"]) == set(jobs) - {GATE}
    assert "if" not in jobs[GATE], "a condition lets the gate run although a job before it failed"


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_cannot_fail_unnoticed(name: str, job: dict[str, Any]) -> None:
    conditions = {step["uses"].partition("@")[0]: step["if"] for step in job["steps"] if "if" in step}
    kept = "always()" if name == GATE else "failure()"  # a green run is what the next one is compared with
    assert conditions == {"actions/upload-artifact": kept}
    assert not any("continue-on-error" in place for place in (job, *job["steps"]))
    assert job["timeout-minutes"] <= 30


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_keeps_its_evidence_when_it_fails(name: str, job: dict[str, Any]) -> None:
    upload = job["steps"][-1]
    assert upload["with"]["path"] == ".stack/runs"
    assert upload["with"]["include-hidden-files"] is True, ".stack begins with a dot"
    variant = "-${{ matrix.python }}" if "strategy" in job else ""
    assert upload["with"]["name"].endswith(f"{name}{variant}"), "two uploads of one name fail"


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_may_read_the_contents_and_nothing_else(name: str, job: dict[str, Any]) -> None:
    assert job["permissions"] == {"contents": "read"}
    (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_has_no_rights_of_its_own_and_cancels_what_it_replaces(file: Path) -> None:
    read = workflow(file)
    assert read["permissions"] == {}
    assert read["concurrency"]["cancel-in-progress"] is True
    assert "github.ref" in read["concurrency"]["group"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_with_their_version_beside(file: Path) -> None:
    used = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.search(line)] == []
