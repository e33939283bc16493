"""A stack from the outside: waited for, asked about, changed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest
from msgspec.structs import replace
from recorded_stacks import ended_guardian, write_state

from stack.control import guardians, services, session
from stack.control.choice import Choice
from stack.errors import (
    GuardianLost,
    ServiceFailed,
    StackEnded,
    StackError,
    UnknownService,
    UnknownStack,
    UpElsewhere,
)
from stack.records import state
from stack.records.control import Action, Outcome, Reply
from stack.records.timeline import Event, Timeline
from stack.system import lock, programs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_NAME", "shop-test")


@pytest.fixture
def name() -> str:
    return f"shop-{secrets.token_hex(4)}"


def test_a_failed_start_tells_the_first_cause_and_the_folder(tmp_path: Path) -> None:
    written = Timeline(tmp_path)
    written.stack("failed", "postgres: exited, exited with code 1")
    written.close()
    with pytest.raises(session.StartFailed, match="postgres: exited") as caught:
        session.wait_until_up(ended_guardian(tmp_path), lambda event: None)
    assert str(tmp_path) in caught.value.hint


def test_an_error_of_the_guardian_keeps_its_own_exit_code(tmp_path: Path) -> None:
    written = Timeline(tmp_path)
    written.write("error", text="No room is left.", hint="Free some.", code=21)
    written.stack("failed", "backend: exited")
    written.close()
    with pytest.raises(StackError, match=r"No room is left\.") as caught:
        session.wait_until_up(ended_guardian(tmp_path), lambda event: None)
    assert (caught.value.code, caught.value.hint) == (21, "Free some.")


def test_a_guardian_that_crashed_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "guardian.log").write_text("Traceback\nMemoryError\n")
    with pytest.raises(StackError, match="ended before the stack was up: MemoryError"):
        session.wait_until_up(ended_guardian(tmp_path), lambda event: None)


def test_a_stack_that_came_up_is_followed_no_further(tmp_path: Path) -> None:
    written = Timeline(tmp_path)
    for phase in ("starting", "up", "down"):
        written.stack(phase)
    written.close()
    shown: list[str] = []
    session.wait_until_up(ended_guardian(tmp_path), lambda event: shown.append(event.state))
    assert shown == ["starting", "up"]


def test_an_unknown_kind_of_stack_is_answered_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "docker-compose.ci.yml").touch()
    with pytest.raises(UnknownStack, match="'prod'") as caught:
        Choice(kind="prod", work_tree=tmp_path).files()
    assert caught.value.hint == "Stacks: ci."


@pytest.mark.parametrize(
    ("state", "code"),
    [("exited", 3), ("timed out", 5), ("unhealthy", 6), ("port taken", 20)],
)
def test_the_first_cause_of_a_failed_start_decides_the_exit_code(state: str, code: int) -> None:
    states = [("web", "dependency failed"), ("db", state), ("cache", "exited")]
    events = [Event(at=1.0, kind="service", service=name, state=state) for name, state in states]
    assert session.StartFailed(events, Path("/run")).code == code


@pytest.mark.parametrize(
    ("outcome", "error", "text"),
    [
        (Outcome.UNKNOWN_SERVICE, UnknownService, "There is no service 'redis' in {}."),
        (Outcome.NOT_READY, ServiceFailed, "Not ready after stop: redis."),
    ],
)
def test_a_change_that_was_not_done_is_an_error_that_names_the_service(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcome: Outcome,
    error: type[StackError],
    text: str,
) -> None:
    reply = Reply(outcome=outcome, services=("redis",))
    monkeypatch.setattr(guardians, "ask", lambda name, command: reply)
    with pytest.raises(error) as caught:
        services.change_services(write_state(name, tmp_path, pid=os.getpid()), Action.STOP, ["redis"])
    assert caught.value.message == text.format(name)


def test_the_status_is_the_last_word_on_each_service(name: str, tmp_path: Path) -> None:
    written = Timeline(tmp_path)
    written.service("backend", "starting")
    written.service("backend", "ready", "HTTP 200")
    written.close()
    found = services.service_statuses(write_state(name, tmp_path, pid=os.getpid()))
    assert [(s.service, s.state, s.ports) for s in found] == [
        ("backend", "ready", ((8000, 20001),)),
        ("postgres", "waiting", ((5432, 20002),)),
    ]


@pytest.mark.parametrize("asked", ["auto", "local"])
def test_up_returns_a_stack_that_is_up_already(
    name: str, tmp_path: Path, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_NAME", name)
    mine = replace(write_state(name, tmp_path, pid=os.getpid()), phase="up")
    state.write(mine)
    choice = Choice(kind=name, engine=asked)
    assert session.up(choice, [], deadline_s=1, show=pytest.fail) == (mine, True)


def test_a_stack_that_is_up_on_another_engine_is_no_answer(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_NAME", name)
    state.write(replace(write_state(name, tmp_path, pid=os.getpid()), phase="up"))
    with pytest.raises(UpElsewhere, match=rf"{name} is up already, on local\."):
        session.up(Choice(kind=name, engine="docker"), [], deadline_s=1, show=pytest.fail)


def test_a_start_that_another_command_ended_says_so(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path)
    timeline.stack("starting")
    timeline.stack("stopping", "ended by `inv down`")
    timeline.stack("down")
    timeline.close()
    with pytest.raises(StackEnded, match="The stack was ended by `inv down` before it was up"):
        session.wait_until_up(ended_guardian(tmp_path), lambda event: None)


def test_a_guardian_that_does_nothing_any_more_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SILENCE_LIMIT_S", 0.05)
    hanging = replace_process(ended_guardian(tmp_path), programs.spawn(["sleep", "60"], own_session=True))
    try:
        with pytest.raises(GuardianLost, match="has written nothing for"):
            session.wait_until_up(hanging, lambda event: None)
    finally:
        hanging.process.kill()
        hanging.process.wait()


def replace_process(stack: guardians.GuardianProcess, process: programs.Process) -> guardians.GuardianProcess:
    stack.process = process
    return stack


def test_a_lock_that_another_command_holds_is_a_sentence(tmp_path: Path) -> None:
    first, second = (lock.hold(tmp_path / "lock", timeout_s=0.01, purpose="shop") for _ in range(2))
    with first, pytest.raises(StackError) as caught, second:
        pytest.fail("both hold it")
    assert caught.value.message.startswith("Another command has held the lock for shop for 0.01 s")
