"""The main job with a stack and tests that are scripts: what it says, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stack import errors
from stack.commands import integration, pytest_process
from stack.control import guardians
from stack.control.guardians import GuardianProcess
from stack.display import summary
from stack.errors import ServiceFailed
from stack.records.timeline import Timeline
from stack.system import programs


def test_what_is_not_ours_goes_to_pytest_as_it_is() -> None:
    found = integration.parse(["--engine", "local", "-k", "health and not slow", "--keep", "-x"])
    assert (found.engine, found.stack, found.keep, found.deadline_s) == ("local", "ci", True, 120.0)
    assert found.pytest == ("-k", "health and not slow", "-x")


def test_a_wrong_engine_is_a_sentence_and_its_code(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    assert integration.run(["--engine", "lxc"]) == 15
    assert "error: There is no engine 'lxc'." in capsys.readouterr().err


@pytest.fixture
def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the job's tests end as a shell script does, which stands for pytest."""

    class RunningStack:
        name, engine, endpoints = "shop", "local", {"WEB": "http://127.0.0.1:1"}

    monkeypatch.setattr(guardians, "require_running", lambda name: RunningStack)
    python = tmp_path / "python"
    process = programs.spawn(["true"])
    process.wait()
    launched = GuardianProcess(name="shop", run=tmp_path, process=process, lease=None)

    def play(script: str) -> None:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        pytest_process.test(launched, python, [], began_at=0)

    return play


def test_tests_that_pass_know_where_the_stack_is(outcome: Callable[[str], None]) -> None:
    outcome('test "$WEB $STACK_NAME" = "http://127.0.0.1:1 shop"')


@pytest.mark.parametrize(
    ("code", "said"), [(4, "rejected an argument"), (5, "none matches what you asked for")]
)
def test_pytest_arguments_that_select_no_test_are_reported(
    outcome: Callable[[str], None], code: int, said: str
) -> None:
    with pytest.raises(errors.TestsFailed, match=said):
        outcome(f"exit {code}")


def test_tests_that_fail_say_so_with_a_code_of_their_own(outcome: Callable[[str], None]) -> None:
    with pytest.raises(errors.TestsFailed, match="pytest ended with 1"):
        outcome("exit 1")


def test_a_service_that_dies_ends_the_tests_at_once_and_is_the_cause(
    outcome: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = Timeline(tmp_path)
    written.service("backend", "exited", "killed by SIGSEGV", evidence="last words")
    written.close()
    (tmp_path / "current-test").write_text("test_orders")
    with pytest.raises(ServiceFailed, match="backend ended while test_orders ran: killed by SIGSEGV"):
        outcome("exec sleep 60")
    assert "last words" in capsys.readouterr().out


def test_the_summary_of_a_run_names_the_first_cause_first(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text(
        f'{{"name": "shop", "files": [], "engine": "local", "work_tree": "/w", "run": "{tmp_path}"}}'
    )
    written = Timeline(tmp_path)
    written.service("gateway", "dependency failed", "backend is not there")
    written.service("backend", "exited", "exited with code 1")
    written.close()
    text = summary.finish(tmp_path, outcome="failed").read_text()
    assert text.startswith("# shop on local: failed")
    assert text.index("backend failed: exited") < text.index("then gateway")
