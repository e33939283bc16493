"""The main job: bring an ephemeral stack up, run the tests against it, end it whatever happens."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from stack import (
    commands,
    control,
    environments,
    interrupts,
    logs,
    recorder,
    report,
    stacks,
    testing,
    transcript,
    verbs,
)
from stack.control import Launched
from stack.errors import StackError, TestsFailed

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
    """Answer the options; what is not ours is pytest's."""
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
    """Do the whole job and answer its exit code; what went wrong has been said."""
    interrupts.never_lost()
    try:
        return _run(parse(arguments))
    except StackError as problem:
        if isinstance(problem, stacks.StartFailed):
            report.say(report.failure(problem.events, problem.run))
        report.error(problem)
        return problem.code
    except KeyboardInterrupt:
        interrupts.no_more(last=True)
        report.say("interrupted; the stack is gone")
        return INTERRUPTED


def build(arguments: Sequence[str]) -> int:
    """Make what the stack runs from; answers the exit code."""
    options = parse(arguments)
    try:
        verbs.build(stacks.Choice(kind=options.stack, engine=options.engine), no_cache=False)
    except StackError as problem:
        report.error(problem)
        return problem.code
    return 0


def _run(options: Options) -> int:
    for sentence in control.sweep():
        report.say(sentence)
    choice = stacks.Choice(kind=options.stack, engine=options.engine)
    asked = stacks.request(choice, ephemeral=not options.keep, deadline_s=options.deadline_s)
    report.say(f"stack {asked.name} on {asked.engine}")
    with interrupts.held() as release:
        launched = control.launch(asked)
        try:
            release()
            _bring_up_and_test(launched, options)
        except TestsFailed as problem:
            _leave(launched, f"failed: {problem}", keep=options.keep)
            raise
        except BaseException as problem:
            if interrupted := isinstance(problem, KeyboardInterrupt):
                interrupts.no_more()
            _finish(launched, "interrupted" if interrupted else f"failed: {problem}", hurry=interrupted)
            raise
    _leave(launched, PASSED, keep=options.keep)
    return 0


def _bring_up_and_test(launched: Launched, options: Options) -> None:
    began, shown = time.monotonic(), report.Progress()
    python = environments.sync(testing.TESTS).python
    events = stacks.wait_until_up(launched, shown.show)
    if options.keep:
        launched.keep()
    report.say(f"up in {time.monotonic() - began:.1f} s")
    testing.test(launched, python, options.pytest, began_at=len(events))


def _leave(launched: Launched, outcome: str, *, keep: bool) -> None:
    """End the stack after its tests, or leave it up where that was asked for."""
    if not keep:
        _finish(launched, outcome, hurry=False)
        return
    if outcome != PASSED:
        recorder.finish(launched.run, outcome=outcome)
    report.say(f"kept: {launched.name}; end it with `inv down --stack {launched.name}`")


def _finish(launched: Launched, outcome: str, *, hurry: bool) -> None:
    """End the stack and close its record; unless all went well, show the last of what its services said."""
    if hurry:
        launched.hurry()
    else:
        launched.end()
    try:
        if not commands.ends_within(launched.process, control.END_LIMIT_S):
            launched.process.kill()
    except KeyboardInterrupt:
        interrupts.no_more()
        launched.hurry()
        launched.process.wait(timeout=control.END_LIMIT_S)
        recorder.finish(launched.run, outcome="interrupted")
        raise
    recorder.finish(launched.run, outcome=outcome)
    if outcome.startswith("failed"):
        rows = logs.merged(launched.run, logs.services(launched.run))
        report.say(transcript.excerpt(rows, SHOWN_LINES))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
