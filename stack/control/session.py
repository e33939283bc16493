"""Start a stack, wait until it is up, and end it: the command's side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stack.control import guardians, sweep, up_already
from stack.control.choice import Choice
from stack.control.guardians import GuardianProcess
from stack.display import summary
from stack.engines import registry, versions
from stack.errors import (
    GuardianLost,
    PortTaken,
    ServiceFailed,
    ServiceTimedOut,
    ServiceUnhealthy,
    StackEnded,
    StackError,
)
from stack.health.verdicts import BAD
from stack.records import names, runs
from stack.records.request import Request, read_request
from stack.records.state import StackState
from stack.records.timeline import Event
from stack.system import ctrl_c, lock, programs
from stack.system.directories import state_home

PASSED = "passed"
SILENCE_LIMIT_S = 2400.0
"""A guardian writes at every step; the longest is a build, which has a limit of its own."""

Show = Callable[[Event], None]


def _nothing(event: Event) -> None:
    """Ignore an event."""


@contextmanager
def hold(request: Request) -> Iterator[GuardianProcess]:
    """Start a stack's guardian for the block; the stack ends with it, unless it was detached by then.

    Ctrl-C ends the stack quickly, detached or not. The run's summary is written at the end.
    """
    with ctrl_c.hold() as release:
        stack = guardians.launch(request)
        try:
            release()
            try:
                yield stack
            except KeyboardInterrupt:
                raise
            except BaseException as problem:
                _finish(stack, f"failed: {problem.message if isinstance(problem, StackError) else problem}")
                raise
            _finish(stack, PASSED)
        except KeyboardInterrupt:
            ctrl_c.ignore()
            stack.end_quickly()
            _finish(stack, "interrupted")
            raise


def _finish(stack: GuardianProcess, outcome: str) -> None:
    """Wait until a stack that is not detached has ended, and write the run's summary."""
    if not stack.detached:
        limit_s = sweep.end_limit_s(stack.name)
        stack.end()
        if not programs.ends_within(stack.process, limit_s):
            stack.process.kill()
    elif outcome == PASSED:
        return  # it goes on, and so does its record
    summary.finish(stack.run, outcome=outcome)


@contextmanager
def ephemeral_stack(
    choice: Choice, *, deadline_s: float = 120.0, show: Show = _nothing
) -> Iterator[StackState]:
    """Start an ephemeral stack for the block and wait until it is up.

    Raises:
        StackError: it did not come up.
    """
    with hold(request(choice, ephemeral=True, deadline_s=deadline_s)) as stack:
        wait_until_up(stack, show)
        yield guardians.require_running(stack.name)


def record_versions(run: Path) -> None:
    """Write the versions of the machine and its engine into the run's folder."""
    with contextlib.suppress(FileNotFoundError):  # the work tree was deleted meanwhile
        engine = read_request(run / "request.json").engine
        lines = f"{versions.machine()}engine {engine} {versions.engine(engine)}".rstrip()
        (run / "versions.txt").write_text(f"{lines}\n", encoding="utf-8")


def request(choice: Choice, *, services: Sequence[str] = (), ephemeral: bool, deadline_s: float) -> Request:
    """Return the request for the chosen stack, with a new folder for its run.

    Raises:
        UnknownStack, UnknownEngine, EngineUnavailable: the choice cannot be met.
    """
    files = choice.files()
    engine = registry.choose(choice.engine)
    name = names.ephemeral(choice.project) if ephemeral else choice.name()
    return Request(
        name=name,
        files=files,
        engine=engine,
        work_tree=str(choice.folder),
        run=str(runs.new_run(choice.work_tree, name)),
        env_file=choice.env_file(),
        profiles=choice.profiles,
        services=tuple(services),
        ephemeral=ephemeral,
        deadline_s=deadline_s,
    )


def wait_until_up(launched: GuardianProcess, show: Show) -> list[Event]:
    """Follow a guardian until its stack is up; return the events so far.

    Raises:
        StartFailed: a service did not become ready; carries the events.
        StackEnded: another command ended the stack meanwhile.
        GuardianLost: it does nothing any more.
        StackError: any other error of the guardian, with its exit code.
    """
    record_versions(launched.run)  # while the guardian starts
    events: list[Event] = []
    problem: Event | None = None
    for event in launched.events(silence_s=SILENCE_LIMIT_S):
        events.append(event)
        show(event)
        if event.kind == "error" and problem is None:
            problem = event
        if event.kind == "stack" and event.state == "up":
            return events
    if problem is not None:
        raise guardians.ReportedError(problem.text, hint=problem.hint, code=problem.code)
    if any(event.kind == "stack" and event.state == "failed" for event in events):
        raise StartFailed(events, launched.run)
    if (
        stopping := next((e for e in events if e.kind == "stack" and e.state == "stopping"), None)
    ) is not None:
        raise StackEnded(
            f"The stack was {stopping.text} before it was up.", hint="Start it again with `inv up`."
        )
    if launched.process.poll() is None:
        raise GuardianLost(
            f"The guardian has written nothing for {SILENCE_LIMIT_S:g} s.", hint=f"See {launched.run}."
        )
    output = (launched.run / "guardian.log").read_text(errors="replace").strip().splitlines()
    last = output[-1] if output else "it wrote nothing"
    raise ServiceFailed(f"The guardian ended before the stack was up: {last}.", hint=f"See {launched.run}.")


_CODES = {
    "timed out": ServiceTimedOut.code,
    "unhealthy": ServiceUnhealthy.code,
    "port taken": PortTaken.code,
}
"""The exit code for the state of the first service that failed; of any other state that of ServiceFailed."""


class StartFailed(ServiceFailed):
    """A service did not become ready; carries the events and the run's folder.

    Its exit code is that of the first cause.
    """

    def __init__(self, events: list[Event], run: Path) -> None:
        text = next((e.text for e in events if e.kind == "stack" and e.state == "failed"), "")
        super().__init__(f"The stack did not come up: {text}", hint=f"The record of the run is in {run}.")
        self.events, self.run = events, run
        bad = [e.state for e in events if e.kind == "service" and e.state in BAD]
        first = next((state for state in bad if state != "dependency failed"), "")
        self.code = _CODES.get(first, ServiceFailed.code)  # type: ignore[misc]


def up(choice: Choice, services: Sequence[str], *, deadline_s: float, show: Show) -> tuple[StackState, bool]:
    """Bring a detached stack up; return its state, and whether it was up already.

    Raises:
        StackError: see ``up_already.require_same`` and ``wait_until_up``.
    """
    with alone(choice.name(), timeout_s=deadline_s + 60) as running:
        if running is not None:
            up_already.require_same(choice, services, running)
            return running, True
        with hold(request(choice, services=services, ephemeral=False, deadline_s=deadline_s)) as stack:
            wait_until_up(stack, show)
            stack.detach()
    return guardians.require_running(choice.name()), False


@contextmanager
def alone(name: str, *, timeout_s: float) -> Iterator[StackState | None]:
    """Let no other command start the stack ``name`` during the block: there is one of a name at a time.

    Yield its state where it is up or starts; where it stops, wait for its end.

    Raises:
        StackError: another command has been starting it for ``timeout_s``.
    """
    with lock.hold(state_home() / "locks" / name, timeout_s=timeout_s, purpose=name):
        running = guardians.alive(name)
        if running is not None and running.phase not in {"up", "starting"}:
            sweep.end(running)
            running = None
        yield running
