"""The main job with a stack and tests that are scripts: what it says, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stack import errors
from stack.commands import evidence, integration, pytest_process
from stack.control import guardians
from stack.control.guardians import GuardianProcess
from stack.display import summary
from stack.errors import ServiceFailed
from stack.records import timeline
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


class Jobs:
    """Stands for the whole job: ends with each of the codes in turn, and notes what it was asked for."""

    def __init__(self, *codes: int) -> None:
        self.codes, self.seen = list(codes), list[integration.Options]()

    def __call__(self, options: integration.Options) -> int:
        self.seen.append(options)
        code = self.codes.pop(0)
        cache = Path(options.pytest[options.pytest.index("-o") + 1].removeprefix("cache_dir="))
        if code == errors.TestsFailed.code and options.pytest[0] != "--no-such-option":
            (cache / "lastfailed").write_text("{}")
        return code


def test_tests_that_failed_are_run_once_more_for_their_traces_and_stay_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = Jobs(4, 0)
    monkeypatch.setattr(integration, "_job", jobs)
    assert integration.run(["--engine", "local", "--again", "-q"]) == 4
    first, again = jobs.seen
    assert (first.profiles, again.profiles) == ((), ("recorder",))
    assert again.pytest == (*first.pytest, "--last-failed", "--last-failed-no-failures", "none")
    assert "They passed this time" in capsys.readouterr().out


@pytest.mark.parametrize(("code", "words"), [(0, ["-q"]), (3, ["-q"]), (4, ["--no-such-option"])])
def test_a_run_without_a_failed_test_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, code: int, words: list[str]
) -> None:
    jobs = Jobs(code)
    monkeypatch.setattr(integration, "_job", jobs)
    assert integration.run(["--again", *words]) == code
    assert len(jobs.seen) == 1


@pytest.mark.parametrize("also", ["--keep", "--profile=recorder", "--profile=observability"])
def test_a_stack_that_is_kept_or_has_a_recorder_is_not_repeated(also: str) -> None:
    assert not integration.parse(["--again", also]).again


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


def test_a_run_that_fails_shows_once_more_what_is_probably_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = Timeline(tmp_path)
    written.note("only for those who watch")
    written.note("environment.REDIS_URL refers to port 6397 of redis, which has 6379", timeline.MISTAKE)
    written.close()
    evidence.show("shop", tmp_path)
    printed = capsys.readouterr().out
    assert printed.endswith(
        "probably a mistake: environment.REDIS_URL refers to port 6397 of redis, which has 6379\n"
    )
    assert "only for those" not in printed


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
