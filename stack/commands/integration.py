"""The main job: bring an ephemeral stack up, run the tests against it, end it whatever happens."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from stack.commands import pytest_process
from stack.control import guardians, session, sweep
from stack.control.choice import Choice
from stack.control.guardians import Launched
from stack.display import failure, log_lines, messages, summary
from stack.display.progress import Progress
from stack.environments import virtualenv
from stack.errors import StackError, TestsFailed
from stack.records import service_logs
from stack.system import ctrl_c, programs

INTERRUPTED = 130
PASSED = "passed"
SHOWN_LINES = 60
"""How much of the services' logs a failure shows; all of it is in the run's folder."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``nox -s integration -- ...`` was given; ``pytest`` goes to pytest as it is."""

    engine: str
    stack: str
    keep: bool
    deadline_s: float
    pytest: tuple[str, ...]


def parse(arguments: Sequence[str]) -> Options:
    """Return the options; what is not ours is pytest's."""
    parser = argparse.ArgumentParser(prog="nox -s integration --", description=__doc__)
    parser.add_argument("--engine", default="auto", help="docker, podman, local, or auto (default)")
    parser.add_argument("--stack", default="ci", help="which compose file: ci (default) or local")
    parser.add_argument("--keep", action="store_true", help="leave the stack up afterwards")
    parser.add_argument(
        "--timeout", type=float, default=120.0, help="seconds to wait for the stack (default 120)"
    )
    known, rest = parser.parse_known_args(list(arguments))
    return Options(
        engine=known.engine, stack=known.stack, keep=known.keep, deadline_s=known.timeout, pytest=tuple(rest)
    )


def run(arguments: Sequence[str]) -> int:
    """Do the whole job and return its exit code; what went wrong has been said."""
    ctrl_c.raise_lost_interrupts()
    try:
        return _run(parse(arguments))
    except StackError as problem:
        if isinstance(problem, session.StartFailed):
            messages.say(failure.failure(problem.events, problem.run))
        messages.print_error(problem)
        return problem.code
    except KeyboardInterrupt:
        ctrl_c.ignore(last=True)
        messages.say("interrupted; the stack is gone")
        return INTERRUPTED


def build(arguments: Sequence[str]) -> int:
    """Make what the stack runs from; return the exit code."""
    from stack.commands import build as build_command

    options = parse(arguments)
    try:
        build_command.run(Choice(kind=options.stack, engine=options.engine), no_cache=False)
    except StackError as problem:
        messages.print_error(problem)
        return problem.code
    return 0


def _run(options: Options) -> int:
    for sentence in sweep.sweep():
        messages.say(sentence)
    choice = Choice(kind=options.stack, engine=options.engine)
    asked = session.request(choice, ephemeral=not options.keep, deadline_s=options.deadline_s)
    messages.say(f"stack {asked.name} on {asked.engine}")
    with ctrl_c.hold() as release:
        launched = guardians.launch(asked)
        try:
            release()
            _bring_up_and_test(launched, options)
        except TestsFailed as problem:
            _leave(launched, f"failed: {problem}", keep=options.keep)
            raise
        except BaseException as problem:
            if interrupted := isinstance(problem, KeyboardInterrupt):
                ctrl_c.ignore()
            _finish(launched, "interrupted" if interrupted else f"failed: {problem}", hurry=interrupted)
            raise
    _leave(launched, PASSED, keep=options.keep)
    return 0


def _bring_up_and_test(launched: Launched, options: Options) -> None:
    began, shown = time.monotonic(), Progress()
    python = virtualenv.sync(pytest_process.TESTS).python
    events = session.wait_until_up(launched, shown.show)
    if options.keep:
        launched.keep()
    messages.say(f"up in {time.monotonic() - began:.1f} s")
    pytest_process.test(launched, python, options.pytest, began_at=len(events))


def _leave(launched: Launched, outcome: str, *, keep: bool) -> None:
    """End the stack after its tests, or leave it up where that was asked for."""
    if not keep:
        _finish(launched, outcome, hurry=False)
        return
    if outcome != PASSED:
        summary.finish(launched.run, outcome=outcome)
    messages.say(f"kept: {launched.name}; end it with `inv down --stack {launched.name}`")


def _finish(launched: Launched, outcome: str, *, hurry: bool) -> None:
    """End the stack and close its record; unless all went well, show the last of what its services said."""
    if hurry:
        launched.hurry()
    else:
        launched.end()
    try:
        if not programs.ends_within(launched.process, sweep.END_LIMIT_S):
            launched.process.kill()
    except KeyboardInterrupt:
        ctrl_c.ignore()
        launched.hurry()
        launched.process.wait(timeout=sweep.END_LIMIT_S)
        summary.finish(launched.run, outcome="interrupted")
        raise
    summary.finish(launched.run, outcome=outcome)
    if outcome.startswith("failed"):
        rows = service_logs.merge(launched.run, service_logs.logged_services(launched.run))
        messages.say(log_lines.excerpt(rows, SHOWN_LINES))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
