"""The main job: bring an ephemeral stack up, run the tests against it, end it whatever happens."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from stack.commands import pytest_process
from stack.control import session, sweep
from stack.control.choice import Choice
from stack.control.guardians import Launched
from stack.display import failure, log_lines, messages
from stack.display.progress import Progress
from stack.environments import virtualenv
from stack.errors import StackError
from stack.records import service_logs
from stack.system import ctrl_c

INTERRUPTED = 130
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
    with session.hold(asked) as stack:
        try:
            _bring_up_and_test(stack, options)
        except StackError:
            _show_logs(stack)
            _say_if_kept(stack)
            raise
        _say_if_kept(stack)
    return 0


def _bring_up_and_test(stack: Launched, options: Options) -> None:
    began, shown = time.monotonic(), Progress()
    python = virtualenv.sync(pytest_process.TESTS).python
    events = session.wait_until_up(stack, shown.show)
    if options.keep:
        stack.detach()
    messages.say(f"up in {time.monotonic() - began:.1f} s")
    pytest_process.test(stack, python, options.pytest, began_at=len(events))


def _show_logs(stack: Launched) -> None:
    rows = service_logs.merge(stack.run, service_logs.logged_services(stack.run))
    messages.say(log_lines.excerpt(rows, SHOWN_LINES))


def _say_if_kept(stack: Launched) -> None:
    if stack.detached:
        messages.say(f"kept: {stack.name}; end it with `inv down --stack {stack.name}`")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
