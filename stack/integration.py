"""The main job: bring an ephemeral stack up, run the tests against it, end it whatever happens."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stack import (
    commands,
    control,
    environments,
    interrupts,
    journal,
    kernel,
    logs,
    recorder,
    report,
    stacks,
    transcript,
    verbs,
)
from stack.control import Launched
from stack.errors import GuardianLost, ServiceFailed, StackError, TestsFailed

TESTS = control.ROOT / "integration_tests"
INTERRUPTED = 130
PASSED = "passed"
PYTEST = """
import runpy, signal, pytest
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("pytest", run_name="__main__", alter_sys=True)
"""
"""``python -m pytest``, deaf to Ctrl-C until it is loaded: a stopped import only shows a traceback."""
UNSAID = {
    4: "The integration tests did not run: pytest does not know what stood after `--`, and says so above.",
    5: "No integration test ran: none fits what stood after `--`.",
}
"""What pytest means by its exit codes where no test is to blame (docs.pytest.org, "Exit codes")."""
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
    python = environments.sync(TESTS).python
    events = stacks.wait_until_up(launched, shown.show)
    if options.keep:
        launched.keep()
    report.say(f"up in {time.monotonic() - began:.1f} s")
    _test(launched, python, options, began_at=len(events))


def _leave(launched: Launched, outcome: str, *, keep: bool) -> None:
    """End the stack after its tests, or leave it up where that was asked for."""
    if not keep:
        _finish(launched, outcome, hurry=False)
        return
    if outcome != PASSED:
        recorder.finish(launched.run, outcome=outcome)
    report.say(f"kept: {launched.name}; end it with `inv down --stack {launched.name}`")


def _test(launched: Launched, python: Path, options: Options, *, began_at: int) -> None:
    """Run pytest; a service that dies meanwhile ends it at once, with its verdict.

    Raises:
        ServiceFailed, GuardianLost: the stack did not last as long as the tests.
        TestsFailed: they did not pass.
    """
    dead: list[journal.Event] = []
    with interrupts.held() as release:
        tests = _start(launched, python, options)
        try:
            release()
            watcher = threading.Thread(target=_watch, args=(launched, tests, dead, began_at), daemon=True)
            watcher.start()
            code = tests.wait()
        except BaseException:
            tests.terminate()
            tests.wait()
            raise
    watcher.join(timeout=0.1)
    _must_have_lasted(launched, dead)
    if code != 0:
        raise TestsFailed(
            UNSAID.get(code, f"The integration tests did not pass (pytest ended with {code})."),
            hint=f"See {launched.run}.",
        )


def _start(launched: Launched, python: Path, options: Options) -> commands.Process:
    kept = stacks.found(launched.name)
    report_words = [f"--junitxml={launched.run / 'junit.xml'}", "-o", "junit_logging=all"]
    argv = [str(python), "-c", PYTEST, str(TESTS), *report_words, *options.pytest]
    environment = {**os.environ, **kept.endpoints, "STACK_NAME": kept.name, "STACK_ENGINE": kept.engine}
    environment |= {"STACK_RUN": str(launched.run), "STACK_PYTHON": sys.executable}
    bind = kernel.die_with_parent()

    def before() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if bind:
            bind()

    return commands.spawn(argv, env=environment, cwd=TESTS.parent, before=before)


def _must_have_lasted(launched: Launched, dead: Sequence[journal.Event]) -> None:
    if dead:
        event = dead[0]
        report.say(report.failure([event], launched.run))
        raise ServiceFailed(
            f"{event.service} ended while {_running_test(launched.run)} ran: {event.text}.",
            hint=f"Everything that was seen is in {launched.run}.",
        )
    if launched.process.poll():
        raise GuardianLost(
            f"The stack's guardian was killed while {_running_test(launched.run)} ran.",
            hint="Run it again; the next command of any kind removes what is left.",
        )


def _watch(launched: Launched, tests: commands.Process, dead: list[journal.Event], skip: int) -> None:
    def over() -> bool:
        return tests.poll() is not None or bool(launched.process.poll())

    for number, event in enumerate(journal.follow(launched.run, ended=over)):
        if number >= skip and event.kind == "service" and event.state in report.BAD - {"unhealthy"}:
            dead.append(event)
            break
    if tests.poll() is None:
        tests.terminate()


def _running_test(run: Path) -> str:
    """Answer the test that is running, which the tests' conftest writes down."""
    path = run / "current-test"
    return path.read_text(encoding="utf-8") if path.exists() else "the tests"


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
