"""Whatever breaks, and wherever: an end with its cause, never a hang."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from test_guardian import Stage, nothing
from theatre import OK, REFUSED, Theatre, service

from stack import errors
from stack.guardian import guardian, lifecycle, supervisor
from stack.guardian.guardian import Guardian
from stack.records import state, timeline
from stack.records.control import Action, Command, Outcome

STEPS = ["build", "start", "wait", "probe"]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every limit be reached soon."""
    monkeypatch.setattr(supervisor, "MARGIN_S", 0.05)
    monkeypatch.setattr(supervisor, "CANCEL_LIMIT_S", 0.05)
    monkeypatch.setattr(supervisor, "STOP_LIMIT_S", 0.05)
    monkeypatch.setattr(lifecycle, "BUILD_LIMIT_S", 0.05)
    monkeypatch.setattr(guardian, "PREPARE_LIMIT_S", 0.5)
    monkeypatch.setattr(guardian, "STEP_LIMIT_S", 0.5)


@pytest.fixture
def theatre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Theatre:
    return Theatre(tmp_path, monkeypatch)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("odd"), "RuntimeError: odd"),
        (KeyError("odd"), "KeyError: 'odd'"),
        (asyncio.CancelledError(), "its task ended without a verdict"),
    ],
)
def test_an_exception_at_any_step_of_a_start_is_a_verdict_with_its_cause(
    theatre: Theatre, step: str, error: BaseException, cause: str
) -> None:
    async def play() -> None:
        async with theatre.stage(service("db"), service("web", "db"), deadline_s=2) as stage:
            stage.engine.broken[step] = error
            first, second = await stage.supervisor.bring_up()
            assert (first.service, first.kind) == ("db", "exited")
            assert cause in first.reason
            assert second.kind in {"exited", "dependency failed"}
            assert first.seconds < 1

    asyncio.run(play())


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_a_start_that_never_ends_is_a_verdict_at_the_deadline(theatre: Theatre, step: str) -> None:
    async def play() -> None:
        theatre.answers["db"] = [REFUSED] if step == "wait" else [OK]
        async with theatre.stage(service("db"), service("web", "db"), deadline_s=0.1) as stage:
            stage.engine.broken[step] = None
            verdicts = await stage.supervisor.bring_up()
            assert not any(verdict.good for verdict in verdicts)
            assert verdicts[0].service == "db"

    asyncio.run(play())


def test_the_deadline_is_the_stack_s_not_each_service_s(theatre: Theatre) -> None:
    async def play() -> None:
        for name in ("a", "b", "c"):
            theatre.answers[name] = [*[REFUSED] * 8, OK]
        everything = service("a"), service("b", "a"), service("c", "b")
        async with theatre.stage(*everything, deadline_s=0.4) as stage:
            verdicts = await stage.supervisor.bring_up()
            assert "timed out" in {verdict.kind for verdict in verdicts}

    asyncio.run(play())


def test_a_probe_that_breaks_later_makes_a_service_unhealthy_with_the_cause(theatre: Theatre) -> None:
    async def play() -> None:
        async with theatre.stage(service("web")) as stage:
            await stage.supervisor.bring_up()
            stage.engine.broken["probe"] = ValueError("odd")
            async with asyncio.timeout(5):
                while stage.states("web")[-1] != "unhealthy":  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            (event,) = [e for e in timeline.read(stage.run) if e.state == "unhealthy"]
            assert event.text == "the engine failed: ValueError: odd"
            stage.engine.broken.clear()

    asyncio.run(play())


@pytest.mark.parametrize("error", [RuntimeError("odd"), None])
@pytest.mark.parametrize("step", ["prepare", "stop", "remove"])
def test_a_guardian_ends_and_leaves_nothing_whatever_breaks(
    stage: Stage, step: str, error: Exception | None
) -> None:
    stage.engine.broken[step] = error

    async def end(held: Guardian) -> None:
        held._end()

    code = stage.hold(end)
    assert code == (errors.StackError.code if step == "prepare" else 0)
    assert stage.phases()[-1] == "down"
    assert state.names() == ()
    told = [e.text for e in timeline.read(stage.run) if e.kind in {"error", "note"}]
    assert any(
        "odd" in text if error else "did not end in time" in text or "TimeoutError" in text for text in told
    )


def test_an_exception_in_a_callback_ends_the_start_with_its_cause(stage: Stage) -> None:
    async def never(*words: object) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(next, iter(()))  # as a thread's StopIteration, which no future takes
        await asyncio.Event().wait()

    stage.engine.prepare = never
    assert stage.hold(nothing) == errors.StackError.code
    (error,) = [event for event in timeline.read(stage.run) if event.kind == "error"]
    assert "StopIteration" in error.text


def test_a_command_that_breaks_is_replied_to_with_the_cause(stage: Stage) -> None:
    async def rebuild(held: Guardian) -> None:
        stage.engine.broken["refresh"] = errors.BuildFailed("The lock is wrong.", hint="Make it anew.")
        reply = await held._serve(Command(action=Action.REBUILD, services=("web",)))
        assert (reply.outcome, reply.error) == (Outcome.FAILED, "The lock is wrong.")
        assert (reply.hint, reply.code) == ("Make it anew.", errors.BuildFailed.code)
        held._end()

    assert stage.hold(rebuild) == 0
