from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stack import commands, control, journal, leftovers, processes, reload, stacks, state, verbs
from stack.control import Launched
from stack.errors import (
    GuardianLost,
    NotDisposable,
    NotUp,
    StackError,
    UnknownService,
    UnknownStack,
    UpElsewhere,
)
from stack.journal import Journal
from stack.stacks import Choice
from stack.state import StackState


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_NAME", "shop-test")


@pytest.fixture
def name() -> str:
    return f"shop-{secrets.token_hex(4)}"


def kept(name: str, run: Path, *, pid: int, token: str = "", ephemeral: bool = False) -> StackState:
    made = StackState(
        name=name,
        project="shop",
        engine="local",
        work_tree="/w",
        files=(),
        run=str(run),
        token=token or secrets.token_hex(8),
        ephemeral=ephemeral,
        created=1.0,
        pid=pid,
        pid_started=processes.started(pid) or 1.0,
        ports={"backend": {"8000": 20001}, "postgres": {"5432": 20002}},
    )
    state.write(made)
    return made


def dead_pid() -> int:
    child = commands.spawn(["true"])
    child.wait()
    return child.pid


def test_a_stack_whose_guardian_was_killed_is_cleaned_up_processes_ports_and_all(
    name: str, tmp_path: Path
) -> None:
    token = secrets.token_hex(8)
    orphan = commands.spawn(["sleep", "60"], env={**os.environ, processes.TOKEN: token}, own_session=True)
    kept(name, tmp_path, pid=dead_pid(), token=token, ephemeral=True)
    lease = tmp_path / "home" / "ports" / "20001"
    lease.parent.mkdir()
    lease.write_text(name)
    (said,) = control.sweep()
    assert said == f"cleaned up after {name}, whose guardian was killed"
    assert commands.ends_within(orphan, 5)
    assert (state.names(), lease.exists()) == ((), False)
    assert control.sweep() == []


def test_a_living_stack_is_left_alone(name: str, tmp_path: Path) -> None:
    mine = kept(name, tmp_path, pid=os.getpid())
    assert control.sweep() == []
    assert control.alive(name) == mine


def test_a_pid_that_was_given_to_somebody_else_is_not_our_guardian(name: str, tmp_path: Path) -> None:
    mine = kept(name, tmp_path, pid=os.getpid())
    state.write(replace(mine, pid_started=mine.pid_started - 3600))
    assert control.alive(name) is None


def test_a_damaged_state_is_set_aside_and_stops_nobody(name: str, tmp_path: Path) -> None:
    kept(name, tmp_path, pid=dead_pid())
    state.state_file(name).write_text("{")
    (said,) = control.sweep()
    assert said.startswith(f"set aside the state of {name}")
    assert state.state_file(name).with_suffix(".damaged").exists()
    assert control.sweep() == []


def test_to_ask_a_stack_that_is_not_up_says_how_to_start_one(name: str) -> None:
    with pytest.raises(NotUp, match=f"{name} is not up") as caught:
        control.ask(name, "down", [])
    assert "inv up" in caught.value.hint


@contextlib.contextmanager
def guardian(name: str, answer: bytes) -> Iterator[list[bytes]]:
    """A guardian that answers every question with ``answer``."""
    heard: list[bytes] = []
    path = state.control_socket(name)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(4096))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield heard
        finally:
            thread.join(timeout=5)
            path.unlink()


def test_a_question_is_a_line_of_json_and_so_is_its_answer(name: str) -> None:
    with guardian(name, b'{"ok": true}\n') as heard:
        assert control.ask(name, "restart", ["backend"]) == {"ok": True}
    assert heard == [b'{"verb": "restart", "services": ["backend"]}\n']


def test_a_guardian_that_ends_without_an_answer_is_lost(name: str) -> None:
    with guardian(name, b""), pytest.raises(GuardianLost, match=name):
        control.ask(name, "restart", ["backend"])


def test_only_the_last_runs_are_kept_but_never_that_of_a_living_stack(name: str, tmp_path: Path) -> None:
    oldest = control.new_run(tmp_path, name, clock=lambda: 0.0)
    kept(name, oldest, pid=os.getpid())
    runs = [control.new_run(tmp_path, name, clock=lambda n=number: 60.0 * n) for number in range(1, 30)]
    assert len({*runs}) == 29
    assert oldest.is_dir()
    assert runs[-1].is_dir()
    assert not runs[0].exists()
    assert len(list((tmp_path / ".stack" / "runs").iterdir())) <= control.RUNS_KEPT + 1


def test_two_runs_of_the_same_second_have_folders_of_their_own(tmp_path: Path, name: str) -> None:
    assert control.new_run(tmp_path, name, clock=lambda: 0.0) != control.new_run(
        tmp_path, name, clock=lambda: 0.0
    )


def launched(run: Path) -> Launched:
    process = commands.spawn(["true"])
    process.wait()
    return Launched(name="shop", run=run, process=process, lease=None)


def test_a_failed_start_tells_the_first_cause_and_the_folder(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    written.stack("failed", "postgres: exited, exited with code 1")
    written.close()
    with pytest.raises(stacks.StartFailed, match="postgres: exited") as caught:
        stacks.wait_until_up(launched(tmp_path), lambda event: None)
    assert str(tmp_path) in caught.value.hint


def test_an_error_of_the_guardian_keeps_its_own_exit_code(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    written.write("error", text="No room is left.", hint="Free some.", code=21)
    written.stack("failed", "backend: exited")
    written.close()
    with pytest.raises(StackError, match=r"No room is left\.") as caught:
        stacks.wait_until_up(launched(tmp_path), lambda event: None)
    assert (caught.value.code, caught.value.hint) == (21, "Free some.")


def test_a_guardian_that_crashed_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "guardian.log").write_text("Traceback\nMemoryError\n")
    with pytest.raises(StackError, match="ended before the stack was up: MemoryError"):
        stacks.wait_until_up(launched(tmp_path), lambda event: None)


def test_a_stack_that_came_up_is_followed_no_further(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    for phase in ("starting", "up", "down"):
        written.stack(phase)
    written.close()
    shown: list[str] = []
    stacks.wait_until_up(launched(tmp_path), lambda event: shown.append(event.state))
    assert shown == ["starting", "up"]


def test_an_unknown_kind_of_stack_is_answered_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "docker-compose.ci.yml").touch()
    with pytest.raises(UnknownStack, match="'prod'") as caught:
        Choice(kind="prod", work_tree=tmp_path).files()
    assert caught.value.hint == "Stacks: ci."


def test_an_unknown_service_is_refused_before_the_guardian_is_asked(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownService, match="'redis'") as caught:
        stacks.change(kept(name, tmp_path, pid=os.getpid()), "stop", ["redis"])
    assert caught.value.hint == "Services: backend, postgres."


def test_the_status_is_the_last_word_on_each_service(name: str, tmp_path: Path) -> None:
    written = Journal(tmp_path)
    written.service("backend", "starting")
    written.service("backend", "ready", "HTTP 200")
    written.close()
    found = stacks.status(kept(name, tmp_path, pid=os.getpid()))
    assert [(s.service, s.state, s.ports) for s in found] == [
        ("backend", "ready", {8000: 20001}),
        ("postgres", "waiting", {5432: 20002}),
    ]


def test_what_ended_stacks_left_goes_but_kept_data_only_where_asked(name: str, tmp_path: Path) -> None:
    kept(name, tmp_path, pid=os.getpid())
    data = state.folder("ended") / "volumes" / "data"
    data.mkdir(parents=True)
    state.folder("empty").mkdir(parents=True)
    list(leftovers.remove(data=False))
    assert (data.exists(), state.folder("empty").exists(), state.folder(name).exists()) == (True, False, True)
    assert "removed the data of ended" in list(leftovers.remove(data=True))
    assert not data.exists()
    assert state.folder(name).exists()


def test_a_destructive_verb_refuses_what_is_not_a_living_stack_of_ours(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotDisposable, match=name):
        verbs._must_be_ours(kept(name, tmp_path, pid=dead_pid()))


def test_down_of_what_is_not_up_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    verbs.down(Choice(), volumes=False)
    assert capsys.readouterr().out == "shop-test is not up; nothing to end\n"


@pytest.mark.parametrize("text", ["10", "m", "-3m", "1w", "ten m"])
def test_a_duration_that_is_none_is_a_sentence(text: str) -> None:
    with pytest.raises(StackError, match="is not a duration") as caught:
        verbs._since(text)
    assert "10m" in caught.value.hint


def test_a_saved_file_is_a_difference_and_a_test_or_a_cache_is_not(tmp_path: Path) -> None:
    for path in ("app/views.py", "tests/test_views.py", "__pycache__/views.py", ".venv/x.py", "data.bin"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    before = reload.snapshot(tmp_path)
    assert list(before) == [tmp_path / "app/views.py"]
    os.utime(tmp_path / "app/views.py", ns=(1, 1))
    (tmp_path / "new.html").touch()
    assert reload.differences(before, reload.snapshot(tmp_path)) == [
        tmp_path / "app/views.py",
        tmp_path / "new.html",
    ]


def test_the_timeline_of_the_run_is_where_the_events_come_from(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    written.note("hello")
    written.close()
    assert [event.text for event in launched(tmp_path).events()] == [e.text for e in journal.read(tmp_path)]


def test_a_lease_that_is_given_up_is_an_end_of_file(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    held = replace_lease(launched(tmp_path), writing)
    held.end()
    held.end()
    assert os.read(reading, 1) == b""
    os.close(reading)


def replace_lease(held: Launched, lease: int) -> Launched:
    held.lease = lease
    return held


@pytest.mark.parametrize("asked", ["auto", "local"])
def test_a_stack_that_is_up_is_up_whoever_asks_again(
    name: str, tmp_path: Path, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_NAME", name)
    mine = replace(kept(name, tmp_path, pid=os.getpid()), phase="up")
    state.write(mine)
    choice = stacks.Choice(kind=name, engine=asked)
    assert stacks.up(choice, [], deadline_s=1, show=pytest.fail) == (mine, True)


def test_a_stack_that_is_up_on_another_engine_is_no_answer(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_NAME", name)
    state.write(replace(kept(name, tmp_path, pid=os.getpid()), phase="up"))
    with pytest.raises(UpElsewhere, match=rf"{name} is up already, on local\."):
        stacks.up(stacks.Choice(kind=name, engine="docker"), [], deadline_s=1, show=pytest.fail)
