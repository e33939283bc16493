"""Whatever breaks, and wherever: an end with its cause, never a hang."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from supervisor_harness import OK, REFUSED, Harness, service
from test_guardian import GuardianHarness, nothing

from stack import errors
from stack.guardian import guardian, lifecycle, supervisor
from stack.guardian.guardian import Guardian
from stack.records import state, timeline
from stack.records.control import Action, Command, Outcome

STEPS = ["build", "start", "wait", "probe"]


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every limit be reached soon."""
    monkeypatch.setattr(supervisor, "MARGIN_S", 0.05)
    monkeypatch.setattr(supervisor, "CANCEL_LIMIT_S", 0.05)
    monkeypatch.setattr(supervisor, "STOP_LIMIT_S", 0.05)
    monkeypatch.setattr(lifecycle, "BUILD_LIMIT_S", 0.05)
    monkeypatch.setattr(guardian, "PREPARE_LIMIT_S", 0.5)
    monkeypatch.setattr(guardian, "STEP_LIMIT_S", 0.5)


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    return Harness(tmp_path, monkeypatch)


@pytest.fixture
def guardian_harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuardianHarness:
    return GuardianHarness(tmp_path, monkeypatch)


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
    harness: Harness, step: str, error: BaseException, cause: str
) -> None:
    async def play() -> None:
        async with harness.start(service("db"), service("web", "db"), deadline_s=2) as stack:
            stack.engine.broken[step] = error
            first, second = await stack.supervisor.bring_up()
            assert (first.service, first.kind) == ("db", "exited")
            assert cause in first.reason
            assert second.kind in {"exited", "dependency failed"}
            assert first.seconds < 1

    asyncio.run(play())


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_a_start_that_never_ends_is_a_verdict_at_the_deadline(harness: Harness, step: str) -> None:
    async def play() -> None:
        harness.scripts["db"] = [REFUSED] if step == "wait" else [OK]
        async with harness.start(service("db"), service("web", "db"), deadline_s=0.1) as stack:
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


def test_a_probe_that_breaks_later_makes_a_service_unhealthy_with_the_cause(harness: Harness) -> None:
    async def play() -> None:
        async with harness.start(service("web")) as stack:
            await stack.supervisor.bring_up()
            stack.engine.broken["probe"] = ValueError("odd")
            async with asyncio.timeout(5):
                while stack.states("web")[-1] != "unhealthy":  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            (event,) = [e for e in timeline.read(stack.run) if e.state == "unhealthy"]
            assert event.text == "the engine failed: ValueError: odd"
            stack.engine.broken.clear()

    asyncio.run(play())


@pytest.mark.parametrize("error", [RuntimeError("odd"), None])
@pytest.mark.parametrize("step", ["prepare", "stop", "remove"])
def test_a_guardian_ends_and_leaves_nothing_whatever_breaks(
    guardian_harness: GuardianHarness, step: str, error: Exception | None
) -> None:
    guardian_harness.engine.broken[step] = error

    async def end(guardian: Guardian) -> None:
        guardian._end()

    code = guardian_harness.hold(end)
    assert code == (errors.StackError.code if step == "prepare" else 0)
    assert guardian_harness.phases()[-1] == "down"
    assert state.names() == ()
    texts = [e.text for e in timeline.read(guardian_harness.run) if e.kind in {"error", "note"}]
    assert any(
        "odd" in text if error else "did not end in time" in text or "TimeoutError" in text for text in texts
    )


def test_an_exception_in_a_callback_ends_the_start_with_its_cause(guardian_harness: GuardianHarness) -> None:
    async def prepare_for_ever(*words: object) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(next, iter(()))  # as a thread's StopIteration, which no future takes
        await asyncio.Event().wait()

    guardian_harness.engine.prepare = prepare_for_ever
    assert guardian_harness.hold(nothing) == errors.StackError.code
    (error,) = [event for event in timeline.read(guardian_harness.run) if event.kind == "error"]
    assert "StopIteration" in error.text


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
