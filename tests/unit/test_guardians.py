"""What the engine asks of a stack: its guardian, its folders, what a killed one left."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from recorded_stacks import dead_pid, ended_guardian, write_state

from stack.control import guardians, sweep
from stack.control.guardians import GuardianProcess
from stack.engines import registry
from stack.errors import GuardianLost, NotUp, StateUnreadable
from stack.model import Service, Stack
from stack.plan import plan
from stack.records import folders, leftovers, plans, runs, state, timeline, written_copies
from stack.records.control import Action, Command, Outcome, Reply
from stack.records.timeline import Timeline
from stack.system import private_folder, processes, programs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_NAME", "shop-test")


@pytest.fixture
def name() -> str:
    return f"shop-{secrets.token_hex(4)}"


def test_a_stack_whose_guardian_was_killed_is_cleaned_up_processes_ports_and_all(
    name: str, tmp_path: Path
) -> None:
    token = secrets.token_hex(8)
    orphan = programs.spawn(["sleep", "60"], env={**os.environ, processes.TOKEN: token}, own_session=True)
    write_state(name, tmp_path, pid=dead_pid(), token=token, ephemeral=True)
    lease = tmp_path / "home" / "ports" / "20001"
    lease.parent.mkdir()
    lease.write_text(name)
    (said,) = sweep.sweep()
    assert said == f"cleaned up after {name}, whose guardian was killed"
    assert programs.ends_within(orphan, 5)
    assert (folders.names(), lease.exists()) == ((), False)
    assert sweep.sweep() == []


@pytest.mark.parametrize("is_told", [True, False])
def test_the_volumes_of_a_container_engine_are_deleted_whether_or_not_the_guardian_could_be_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    stack = write_state(name, tmp_path, pid=dead_pid(), engine="docker")

    def ask(name: str, command: Command, *, timeout_s: float) -> Reply:
        state.forget(name, volumes=command.volumes)
        if not is_told:
            raise NotUp("its guardian does not listen yet")
        return Reply(outcome=Outcome.DONE)

    removed: list[bool] = []
    monkeypatch.setattr(guardians, "ask", ask)
    monkeypatch.setattr(
        registry, "remove_leftovers", lambda engine, name, *, volumes: removed.append(volumes)
    )
    sweep.end(stack, volumes=True)
    assert removed == ([] if is_told else [True])


def test_a_stack_has_the_time_to_end_that_its_services_have(name: str) -> None:
    assert sweep.end_limit_s(name) == sweep.END_LIMIT_S
    worker = Service(name="worker", stop_grace_period_s=60.0)
    stack = Stack(name=name, files=(), directory=Path("/w"), services={"worker": worker})
    made = plan.make(stack, name=name, engine="docker", services=stack.services, ports={}, folders={})
    folders.of_stack(name).mkdir(parents=True)
    plans.write(made)
    assert sweep.end_limit_s(name) == sweep.END_LIMIT_S + 60


def test_what_a_killed_guardian_put_into_a_project_is_removed(name: str, tmp_path: Path) -> None:
    project, origin = tmp_path / "project", tmp_path / "origin"
    project.mkdir()
    origin.write_text("written by a Dockerfile")
    write_state(name, tmp_path, pid=dead_pid())
    written_copies.make(folders.of_stack(name), {project / "new" / "file": origin})
    assert (project / "new" / "file").read_text() == "written by a Dockerfile"
    sweep.sweep()
    assert list(project.iterdir()) == []


def test_a_damaged_record_of_copies_stops_no_command(name: str, tmp_path: Path) -> None:
    write_state(name, tmp_path, pid=dead_pid())
    (folders.of_stack(name) / "written-copies.json").write_text("{")
    assert len(sweep.sweep()) == 1
    assert not folders.of_stack(name).exists()


def test_a_living_stack_is_left_alone(name: str, tmp_path: Path) -> None:
    mine = write_state(name, tmp_path, pid=os.getpid())
    assert sweep.sweep() == []
    assert guardians.alive(name) == mine


def test_a_process_with_a_reused_pid_is_not_our_guardian(name: str, tmp_path: Path) -> None:
    mine = write_state(name, tmp_path, pid=os.getpid())
    state.write(replace(mine, pid_started=mine.pid_started - 3600))
    assert guardians.alive(name) is None


def test_a_running_stack_of_another_version_is_left_alone(name: str, tmp_path: Path) -> None:
    write_state(name, tmp_path, pid=os.getpid())
    path = folders.state_file(name)
    newer = path.read_text().replace('"token"', '"unknown_key": 1, "token"')
    path.write_text(newer)
    assert sweep.sweep() == []
    assert path.read_text() == newer
    path.write_text(newer.replace(f'"pid": {os.getpid()}', f'"pid": {dead_pid()}'))
    assert sweep.sweep()[0].startswith(f"set aside the state of {name}")


def test_a_damaged_state_is_set_aside_and_stops_no_command(name: str, tmp_path: Path) -> None:
    write_state(name, tmp_path, pid=dead_pid())
    folders.state_file(name).write_text("{")
    (said,) = sweep.sweep()
    assert said.startswith(f"set aside the state of {name}")
    assert folders.state_file(name).with_suffix(".damaged").exists()
    assert sweep.sweep() == []


def test_another_account_s_state_is_not_judged_and_named_as_that(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_state(name, tmp_path, pid=dead_pid())

    def refuse(self: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    uid = os.geteuid()
    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    assert sweep.sweep() == []
    assert folders.state_file(name).exists()
    with pytest.raises(StateUnreadable, match="belongs to another account"):
        guardians.alive(name)


def test_to_ask_a_stack_that_is_not_up_says_how_to_start_one(name: str) -> None:
    with pytest.raises(NotUp, match=f"{name} is not up") as caught:
        guardians.ask(name, Command(action=Action.DOWN))
    assert caught.value.hint == "Start it with `inv up`."


def test_a_stack_that_is_not_up_is_told_from_those_that_are(name: str, tmp_path: Path) -> None:
    write_state("shop-ci", tmp_path, pid=os.getpid())
    write_state("shop-gone", tmp_path, pid=dead_pid())
    folders.state_file(write_state("shop-odd", tmp_path, pid=os.getpid()).name).write_text("{")
    assert guardians.not_up(name).hint == "Start it with `inv up`, or name one that is up: `--stack shop-ci`."


@contextlib.contextmanager
def guardian(name: str, answer: bytes) -> Iterator[list[bytes]]:
    """A guardian that answers every question with ``answer``."""
    heard: list[bytes] = []
    path = folders.control_socket(name)
    private_folder.make(path.parent)
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
            state.remove_shared_folders()


def test_a_command_is_a_line_of_json_and_so_is_its_reply(name: str) -> None:
    with guardian(name, b'{"outcome":"not ready","services":["backend"]}\n') as heard:
        reply = guardians.ask(name, Command(action=Action.RESTART, services=("backend",)))
    assert heard == [b'{"action":"restart","services":["backend"],"volumes":false,"port":0,"debugpy":""}\n']
    assert reply == Reply(outcome=Outcome.NOT_READY, services=("backend",))


def test_a_guardian_that_ends_without_a_reply_is_lost(name: str) -> None:
    with guardian(name, b""), pytest.raises(GuardianLost, match=name):
        guardians.ask(name, Command(action=Action.RESTART))


def test_only_the_last_runs_are_kept_but_never_that_of_a_living_stack(name: str, tmp_path: Path) -> None:
    oldest = runs.new_run(tmp_path, name, clock=lambda: 0.0)
    write_state(name, oldest, pid=os.getpid())
    later = [runs.new_run(tmp_path, name, clock=lambda n=number: 60.0 * n) for number in range(1, 30)]
    assert len({*later}) == 29
    assert oldest.is_dir()
    assert later[-1].is_dir()
    assert not later[0].exists()
    assert len(list((tmp_path / ".stack" / "runs").iterdir())) <= runs.RUNS_KEPT + 1


def test_two_runs_of_the_same_second_have_folders_of_their_own(tmp_path: Path, name: str) -> None:
    assert runs.new_run(tmp_path, name, clock=lambda: 0.0) != runs.new_run(tmp_path, name, clock=lambda: 0.0)


def test_prune_removes_what_ended_stacks_left_but_data_only_on_request(name: str, tmp_path: Path) -> None:
    write_state(name, tmp_path, pid=os.getpid())
    data = folders.of_stack("ended") / "volumes" / "data"
    data.mkdir(parents=True)
    folders.of_stack("empty").mkdir(parents=True)
    list(leftovers.remove(data=False))
    stays = (data, folders.of_stack("empty"), folders.of_stack(name))
    assert [path.exists() for path in stays] == [True, False, True]
    assert "removed the data of ended" in list(leftovers.remove(data=True))
    assert not data.exists()
    assert folders.of_stack(name).exists()


def test_the_timeline_of_the_run_is_where_the_events_come_from(tmp_path: Path) -> None:
    written = Timeline(tmp_path)
    written.note("hello")
    written.close()
    assert [event.text for event in ended_guardian(tmp_path).events()] == [
        e.text for e in timeline.read(tmp_path)
    ]


def test_a_lease_that_is_given_up_is_an_end_of_file(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    held = replace_lease(ended_guardian(tmp_path), writing)
    held.end()
    held.end()
    assert os.read(reading, 1) == b""
    os.close(reading)


def replace_lease(held: GuardianProcess, lease: int) -> GuardianProcess:
    held.lease = lease
    return held
