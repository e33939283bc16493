"""`nox -s integration`: start an ephemeral stack, run the integration tests against it, end it."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stack.commands import evidence, exit_code, prune, pytest_process
from stack.control import session
from stack.control.choice import Choice
from stack.control.guardians import GuardianProcess
from stack.display import messages, report
from stack.display.progress import Progress
from stack.environments import virtualenv
from stack.errors import StackError, TestsFailed, UpElsewhere
from stack.records.state import StackState

RECORDER, RECORDERS = "recorder", frozenset({"recorder", "observability"})
"""The profile that records traces, and all that do."""
LAST_FAILED = ("--last-failed", "--last-failed-no-failures", "none")
"""https://docs.pytest.org/en/stable/how-to/cache.html"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of ``nox -s integration -- ...``; ``pytest`` holds those that are passed on to pytest."""

    engine: str
    stack: str
    profiles: tuple[str, ...]
    keep: bool
    again: bool
    deadline_s: float
    pytest: tuple[str, ...]


def parse(arguments: Sequence[str]) -> Options:
    """Return the options; unknown ones are pytest's."""
    parser = argparse.ArgumentParser(prog="nox -s integration --", description=__doc__)
    parser.add_argument("--engine", default="auto", help="docker, podman, local or auto (default)")
    parser.add_argument("--stack", default="ci", help="the stack to test: ci (default) or local")
    parser.add_argument(
        "--profile", action="append", default=[], help="a compose profile, for example recorder"
    )
    parser.add_argument("--keep", action="store_true", help="leave the stack running afterwards")
    parser.add_argument(
        "--again",
        action="store_true",
        help="run the tests that failed once more on a stack with the recorder, for their traces",
    )
    parser.add_argument(
        "--timeout", type=float, default=120.0, help="seconds to wait until the stack is up (default 120)"
    )
    known, rest = parser.parse_known_args(list(arguments))
    return Options(
        engine=known.engine,
        stack=known.stack,
        profiles=tuple(known.profile),
        keep=known.keep,
        again=known.again and not known.keep and RECORDERS.isdisjoint(known.profile),
        deadline_s=known.timeout,
        pytest=tuple(rest),
    )


def run(arguments: Sequence[str]) -> int:
    """Do the whole job and return its exit code; errors have been printed."""
    options = parse(arguments)
    if not options.again:
        return _job(options)
    with tempfile.TemporaryDirectory(prefix="integration-") as cache:
        options = replace(options, pytest=(*options.pytest, "-o", f"cache_dir={cache}"))
        code = _job(options)
        if code == TestsFailed.code and any(Path(cache).rglob("lastfailed")):
            _record(options)
    return code


def _job(options: Options) -> int:
    return exit_code.run(lambda: _run(options), interrupted="interrupted; the stack is down")


def _record(options: Options) -> None:
    """Run the tests that failed once more, for their traces; whatever comes of it, they have failed."""
    messages.say()
    messages.say("once more with the recorder, for the traces of the tests that failed:")
    words = (*options.pytest, *LAST_FAILED)
    if _job(replace(options, profiles=(*options.profiles, RECORDER), pytest=words)) == 0:
        messages.say("They passed this time: what made them fail comes and goes, or needs the other tests.")


def build(arguments: Sequence[str]) -> int:
    """Build the images or environments of a stack; return the exit code."""
    from stack.commands import build as build_command

    options = parse(arguments)
    choice = Choice(kind=options.stack, engine=options.engine)
    return exit_code.run(lambda: build_command.run(choice, no_cache=False))


def _run(options: Options) -> None:
    prune.clean_up_killed_stacks()
    choice = Choice(kind=options.stack, engine=options.engine, profiles=options.profiles)
    with contextlib.ExitStack() as while_starting:
        if options.keep:
            running = while_starting.enter_context(session.alone(choice.name(), timeout_s=options.deadline_s))
            _require_down(running)
        request = session.request(choice, ephemeral=not options.keep, deadline_s=options.deadline_s)
        messages.say(f"stack {request.name} on {request.engine}")
        with session.hold(request) as stack:
            try:
                _start_and_test(stack, options, while_starting)
            except StackError:
                _say_if_detached(stack)
                evidence.show(stack.name, stack.run)
                raise
            if stack.detached:
                report.write(stack.run, alive=True)  # it goes on, so no end writes it
            _say_if_detached(stack)


def _start_and_test(stack: GuardianProcess, options: Options, while_starting: contextlib.ExitStack) -> None:
    began = time.monotonic()
    python = virtualenv.sync(pytest_process.TESTS).python
    with Progress() as progress:
        events = session.wait_until_up(stack, progress.show)
    if options.keep:
        stack.detach()
    while_starting.close()
    messages.say(f"up in {time.monotonic() - began:.1f} s")
    pytest_process.test(stack, python, options.pytest, began_at=len(events))


def _require_down(running: StackState | None) -> None:
    """Raise where the stack that is to be kept runs already: another of its name would share its folders."""
    if running is not None:
        raise UpElsewhere(
            f"{running.name} is up already, and `--keep` starts it anew.",
            hint=f"Test it as it is: `inv test --stack {running.name}`."
            f" Or end it first: `inv down --stack {running.name}`.",
        )


def _say_if_detached(stack: GuardianProcess) -> None:
    if stack.detached:
        messages.say(f"{stack.name} keeps running; end it with `inv down --stack {stack.name}`")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
