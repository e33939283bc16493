"""A stack from its start to its end, as seen from the command that starts it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stack.control import guardians, sweep
from stack.control.choice import Choice
from stack.control.guardians import Launched
from stack.display import summary
from stack.engines import registry, versions
from stack.errors import ServiceFailed, StackError, UpElsewhere
from stack.records import names, runs
from stack.records.request import Request, read_request
from stack.records.state import StackState
from stack.records.timeline import Event
from stack.system import ctrl_c, programs
from stack.system.directories import state_home

PASSED = "passed"
Show = Callable[[Event], None]


def _nothing(event: Event) -> None:
    """Show nothing."""


@contextmanager
def hold(request: Request) -> Iterator[Launched]:
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
                _finish(stack, f"failed: {problem}")
                raise
            _finish(stack, PASSED)
        except KeyboardInterrupt:
            ctrl_c.ignore()
            stack.hurry()
            _finish(stack, "interrupted")
            raise


def _finish(stack: Launched, outcome: str) -> None:
    """Wait until a stack that is not detached has ended, and write the run's summary."""
    if not stack.detached:
        stack.end()
        if not programs.ends_within(stack.process, sweep.END_LIMIT_S):
            stack.process.kill()
    elif outcome == PASSED:
        return  # it goes on, and so does its record
    summary.finish(stack.run, outcome=outcome)


@contextmanager
def ephemeral_stack(
    choice: Choice, *, deadline_s: float = 120.0, show: Show = _nothing
) -> Iterator[StackState]:
    """Give an ephemeral stack that is up; it ends with the block, however that ends.

    Raises:
        StackError: it did not come up.
    """
    with hold(request(choice, ephemeral=True, deadline_s=deadline_s)) as stack:
        wait_until_up(stack, show)
        yield guardians.require_running(stack.name)


def record_versions(run: Path) -> None:
    """Write what is known at the beginning of a run: what it runs on."""
    with contextlib.suppress(FileNotFoundError):  # its work tree is deleted already
        engine = read_request(run / "request.json").engine
        lines = f"{versions.machine()}engine {engine} {versions.engine(engine)}".rstrip()
        (run / "versions.txt").write_text(f"{lines}\n", encoding="utf-8")


def request(choice: Choice, *, services: Sequence[str] = (), ephemeral: bool, deadline_s: float) -> Request:
    """Return what the guardian is to hold.

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
        work_tree=str(choice.work_tree),
        run=str(runs.new_run(choice.work_tree, name)),
        env_file=choice.env_file(),
        profiles=choice.profiles,
        services=tuple(services),
        ephemeral=ephemeral,
        deadline_s=deadline_s,
    )


def wait_until_up(launched: Launched, show: Show) -> list[Event]:
    """Follow a guardian until its stack is up; return the events so far.

    Raises:
        ServiceFailed: a service did not become ready. Its account is in the events.
        StackError: whatever else the guardian could not do.
    """
    record_versions(launched.run)  # while the guardian starts
    seen: list[Event] = []
    problem: Event | None = None
    for event in launched.events():
        seen.append(event)
        show(event)
        if event.kind == "error" and problem is None:
            problem = event
        if event.kind == "stack" and event.state == "up":
            return seen
    if problem is not None:
        raise _Reported(problem)
    if any(event.kind == "stack" and event.state == "failed" for event in seen):
        raise StartFailed(seen, launched.run)
    output = (launched.run / "guardian.log").read_text(errors="replace").strip().splitlines()
    last = output[-1] if output else "it wrote nothing"
    raise ServiceFailed(f"The guardian ended before the stack was up: {last}.", hint=f"See {launched.run}.")


class StartFailed(ServiceFailed):
    """A service did not become ready; carries the events and the run's folder."""

    def __init__(self, events: list[Event], run: Path) -> None:
        first = next((e.text for e in events if e.kind == "stack" and e.state == "failed"), "")
        super().__init__(f"The stack did not come up: {first}", hint=f"The whole record is in {run}.")
        self.events, self.run = events, run


class _Reported(StackError):
    """An error that the guardian met, with its own exit code."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.text, hint=event.hint)
        self.code = event.code or 1  # type: ignore[misc]


def up(choice: Choice, services: Sequence[str], *, deadline_s: float, show: Show) -> tuple[StackState, bool]:
    """Bring the detached stack up; return its state, and whether it was up already.

    Raises:
        UpElsewhere: it is up on another engine than the one that was asked for.
        StackError: see ``wait_until_up``.
    """
    from filelock import FileLock

    name = choice.name()
    locks = state_home() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / name, timeout=deadline_s + 60):
        if (kept := guardians.alive(name)) is not None and kept.phase in {"up", "starting"}:
            _must_be_on(choice.engine, kept)
            return kept, True
        if kept is not None:
            sweep.end(kept)  # it is on its way down; there is one stack of a name at a time
        with hold(request(choice, services=services, ephemeral=False, deadline_s=deadline_s)) as stack:
            wait_until_up(stack, show)
            stack.detach()
    return guardians.require_running(name), False


def _must_be_on(engine: str, kept: StackState) -> None:
    if engine not in {"auto", kept.engine}:
        raise UpElsewhere(
            f"{kept.name} is up already, on {kept.engine}.",
            hint=f"End it first: `inv down --stack {kept.name}`; its data stays with that engine.",
        )
