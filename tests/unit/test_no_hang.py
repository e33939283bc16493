"""Whatever breaks, and wherever: an end with its cause, never a hang."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from supervisor_harness import OK, REFUSED, Harness, service, until
from test_guardian import GuardianHarness, nothing

from stack import errors
from stack.engines.protocol import Exit
from stack.guardian import control_socket, guardian, lifecycle, supervisor
from stack.guardian.guardian import Guardian
from stack.model import Service
from stack.records import folders, state, timeline
from stack.records.control import Action, Command, Outcome, Reply
from stack.records.timeline import Event

STEPS = ["build", "image check", "start", "wait", "probe", "when up"]


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let limits be reached soon where the work of a test takes no time, even on a busy machine."""
    monkeypatch.setattr(supervisor, "MARGIN_S", 0.05)
    monkeypatch.setattr(supervisor, "CANCEL_LIMIT_S", 0.05)
    monkeypatch.setattr(supervisor, "STOP_LIMIT_S", 0.05)
    monkeypatch.setattr(lifecycle, "BUILD_LIMIT_S", 0.05)


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    return Harness(tmp_path, monkeypatch)


def services(step: str) -> tuple[Service, Service]:
    """Return a database and what needs it; an image is asked for its check where the file has none."""
    return service("db", check=step != "image check"), service("web", "db")


def events(harness: GuardianHarness, kind: str) -> list[Event]:
    return [event for event in timeline.read(harness.run) if event.kind == kind]


def texts(run: Path, state: str) -> list[str]:
    return [event.text for event in timeline.read(run) if event.state == state]


@pytest.fixture
def guardian_harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuardianHarness:
    return GuardianHarness(tmp_path, monkeypatch)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("odd"), "RuntimeError: odd"),
        (KeyError("odd"), "KeyError: 'odd'"),
        (asyncio.CancelledError(), "CancelledError"),
    ],
)
def test_an_exception_at_any_step_of_a_start_is_a_verdict_with_its_cause(
    harness: Harness, step: str, error: BaseException, cause: str
) -> None:
    async def play() -> None:
        async with harness.start(*services(step), deadline_s=60) as stack:
            stack.engine.broken[step] = error
            first, second = await stack.supervisor.bring_up()
            assert (first.service, first.kind) == ("db", "exited")
            assert cause in first.reason
            assert second.kind in {"exited", "dependency failed"}

    asyncio.run(play())


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_a_start_that_never_ends_is_a_verdict_at_the_deadline(harness: Harness, step: str) -> None:
    async def play() -> None:
        harness.scripts["db"] = [REFUSED] if step == "wait" else [OK]
        async with harness.start(*services(step), deadline_s=0.1) as stack:
            stack.engine.broken[step] = None
            verdicts = await stack.supervisor.bring_up()
            assert not any(verdict.good for verdict in verdicts)
            assert verdicts[0].service == "db"

    asyncio.run(play())


def test_the_deadline_is_the_stack_s_not_each_service_s(harness: Harness) -> None:
    async def play() -> None:
        for name in ("a", "b", "c"):
            harness.scripts[name] = [*[REFUSED] * 8, OK]
        everything = service("a"), service("b", "a"), service("c", "b")
        async with harness.start(*everything, deadline_s=0.4) as stack:
            verdicts = await stack.supervisor.bring_up()
            assert "timed out" in {verdict.kind for verdict in verdicts}

    asyncio.run(play())


def test_a_probe_that_hangs_ends_with_its_service(harness: Harness) -> None:
    async def play() -> None:
        async with harness.start(service("web"), deadline_s=5) as stack:
            stack.engine.broken["probe"] = None
            starting = asyncio.create_task(stack.supervisor.bring_up())
            await until(lambda: stack.supervisor.runs["web"].progress is not None)
            await stack.supervisor.stop_all(grace_s=0)
            starting.cancel()
            await asyncio.sleep(0.01)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(play())


LATER_ERRORS = [(ValueError("odd"), "ValueError: odd"), (asyncio.CancelledError(), "CancelledError")]


@pytest.mark.parametrize(("error", "cause"), LATER_ERRORS)
@pytest.mark.parametrize("check", [True, False])
def test_an_exception_beside_a_ready_service_makes_it_unhealthy_with_the_cause(
    harness: Harness, check: bool, error: BaseException, cause: str
) -> None:
    async def play() -> None:
        async with harness.start(service("web", check=check)) as stack:
            if not check:
                stack.engine.broken["when up"] = error
            await stack.supervisor.bring_up()
            stack.engine.broken["probe"] = error
            await until(lambda: stack.states("web")[-1] == "unhealthy")
            assert texts(stack.run, "unhealthy") == [f"the engine failed: {cause}"]
            stack.engine.broken.clear()

    asyncio.run(play())


@pytest.mark.parametrize(("error", "cause"), LATER_ERRORS)
@pytest.mark.parametrize("step", ["start", "wait", "stop"])
def test_an_exception_in_a_later_life_of_a_service_is_its_end_with_the_cause(
    harness: Harness, step: str, error: BaseException, cause: str
) -> None:
    async def play() -> None:
        async with harness.start(service("web", restart="always")) as stack:
            await stack.supervisor.bring_up()
            stack.engine.broken[step] = error
            stack.engine.running["web"].ended.set_result(Exit(code=1))
            await until(lambda: f"the engine failed: {cause}" in texts(stack.run, "exited"))
            stack.engine.broken.clear()

    asyncio.run(play())


@pytest.mark.parametrize("error", [RuntimeError("odd"), asyncio.CancelledError(), None])
@pytest.mark.parametrize("step", ["prepare", "stop", "remove"])
def test_a_guardian_ends_and_leaves_nothing_whatever_breaks(
    guardian_harness: GuardianHarness,
    step: str,
    error: BaseException | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if error is None:  # it hangs
        monkeypatch.setattr(guardian, "PREPARE_LIMIT_S" if step == "prepare" else "STEP_LIMIT_S", 0.5)
    guardian_harness.engine.broken[step] = error

    async def end(guardian: Guardian) -> None:
        guardian._end()

    code = guardian_harness.hold(end)
    assert code == (errors.StackError.code if step == "prepare" else 0)
    assert guardian_harness.phases()[-1] == "down"
    assert folders.names() == ()
    texts = [e.text for e in timeline.read(guardian_harness.run) if e.kind in {"error", "note"}]
    slow = {
        "prepare": "The preparation of the stack did not end within 0.5 s",
        "stop": "web could not be stopped: web did not end within",
        "remove": "The removal of what the engine made did not end within 0.5 s",
    }
    causes = ("odd", "CancelledError") if error else (slow[step],)
    assert any(cause in text for text in texts for cause in causes)


def test_a_stack_whose_engine_is_gone_is_not_forgotten(guardian_harness: GuardianHarness) -> None:
    """The next command ends what the engine still runs; for that it needs the state."""
    guardian_harness.engine.broken["remove"] = errors.EngineUnavailable("no daemon answers")

    async def end(guardian: Guardian) -> None:
        guardian._end()

    assert guardian_harness.hold(end) == 0
    assert guardian_harness.phases()[-1] == "down"
    (name,) = folders.names()
    assert (written := state.read(name)) is not None
    assert written.phase == "left"
    assert "no daemon answers" in [event.text for event in events(guardian_harness, "error")]


def test_an_exception_in_a_callback_ends_the_start_with_its_cause(guardian_harness: GuardianHarness) -> None:
    async def prepare_for_ever(*words: object) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(next, iter(()))  # as a thread's StopIteration, which no future takes
        await asyncio.Event().wait()

    guardian_harness.engine.prepare = prepare_for_ever
    assert guardian_harness.hold(nothing) == errors.StackError.code
    (error,) = events(guardian_harness, "error")
    assert "StopIteration" in error.text


def test_an_exception_in_a_callback_of_a_running_stack_is_noted(guardian_harness: GuardianHarness) -> None:
    async def fail(guardian: Guardian) -> None:
        asyncio.get_running_loop().call_soon(next, iter(()))
        await until(lambda: any("StopIteration" in event.text for event in events(guardian_harness, "note")))
        guardian._end()

    assert guardian_harness.hold(fail) == 0


def test_the_cause_is_what_broke_in_a_group_of_tasks(guardian_harness: GuardianHarness) -> None:
    async def prepare_side_by_side(*words: object) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(guardian_harness.engine.fail_or_hang("both"))

    guardian_harness.engine.broken["both"] = errors.CommandFailed(("ip", "link"), "was not found")
    guardian_harness.engine.prepare = prepare_side_by_side
    assert guardian_harness.hold(nothing) == errors.CommandFailed.code
    (error,) = events(guardian_harness, "error")
    assert error.text == "`ip link` was not found."


def test_a_command_that_breaks_is_replied_to_with_the_cause(guardian_harness: GuardianHarness) -> None:
    async def rebuild(guardian: Guardian) -> None:
        guardian_harness.engine.broken["refresh"] = errors.BuildFailed(
            "The lock is wrong.", hint="Make it anew."
        )
        reply = await guardian._serve(Command(action=Action.REBUILD, services=("web",)))
        assert (reply.outcome, reply.error) == (Outcome.FAILED, "The lock is wrong.")
        assert (reply.hint, reply.code) == ("Make it anew.", errors.BuildFailed.code)
        guardian._end()

    assert guardian_harness.hold(rebuild) == 0


@pytest.mark.parametrize(
    ("line", "cause"), [(b"{}\n", "ValidationError"), (b'{"action": "down"}\n', "OSError: odd")]
)
def test_a_line_that_cannot_be_served_is_replied_to_with_the_cause(
    tmp_path: Path, line: bytes, cause: str
) -> None:
    async def ask() -> Reply:
        async def serve(command: Command) -> Reply:
            raise OSError("odd")

        async with control_socket.listening(tmp_path / "socket", serve):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
            writer.write(line)
            reply = await reader.readline()
            writer.close()
        return msgspec.json.decode(reply, type=Reply)

    reply = asyncio.run(ask())
    assert (reply.outcome, reply.code) == (Outcome.FAILED, errors.StackError.code)
    assert cause in reply.error
