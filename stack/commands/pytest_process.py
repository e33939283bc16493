"""The tests' own process: pytest, started against a stack, ended with it or with us."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from stack.control import guardians
from stack.control.guardians import Launched
from stack.display import failure, messages
from stack.errors import GuardianLost, ServiceFailed, TestsFailed
from stack.health import verdicts
from stack.records import timeline
from stack.system import ctrl_c, kernel, programs
from stack.system.directories import ROOT

TESTS = ROOT / "integration_tests"

NO_TEST_RAN = {
    4: "The integration tests did not run: pytest does not know what stood after `--`, and says so above.",
    5: "No integration test ran: none fits what stood after `--`.",
}
"""What pytest means by its exit codes where no test is to blame (docs.pytest.org, "Exit codes")."""

TELLS_S = 3.0
"""How long pytest may take after Ctrl-C to say which tests had failed."""


def test(launched: Launched, python: Path, words: Sequence[str], *, began_at: int) -> None:
    """Run pytest with ``words``; a service that dies meanwhile ends it at once, with its verdict.

    ``began_at`` is how many of the stack's events there were before.

    Raises:
        ServiceFailed, GuardianLost: the stack did not last as long as the tests.
        TestsFailed: they did not pass.
    """
    dead: list[timeline.Event] = []
    with ctrl_c.hold() as release:
        tests = _start(launched, python, words)
        try:
            _pass_on(release, tests)
            watcher = threading.Thread(target=_watch, args=(launched, tests, dead, began_at), daemon=True)
            watcher.start()
            code = tests.wait()
        except BaseException as problem:
            _end(tests, patience_s=TELLS_S if isinstance(problem, KeyboardInterrupt) else 0)
            raise
    watcher.join(timeout=0.1)
    _must_have_lasted(launched, dead)
    if code != 0:
        raise TestsFailed(
            NO_TEST_RAN.get(code, f"The integration tests did not pass (pytest ended with {code})."),
            hint=f"See {launched.run}.",
        )


def _start(launched: Launched, python: Path, words: Sequence[str]) -> programs.Process:
    kept = guardians.require_running(launched.name)
    report_words = [f"--junitxml={launched.run / 'junit.xml'}", "-o", "junit_logging=all"]
    argv = [str(python), "-m", "pytest", str(TESTS), *report_words, *words]
    environment = {**os.environ, **kept.endpoints, "STACK_NAME": kept.name, "STACK_ENGINE": kept.engine}
    environment |= {"STACK_RUN": str(launched.run), "STACK_PYTHON": sys.executable}
    bind = kernel.die_with_parent()

    def before() -> None:
        # An import that Ctrl-C stops only shows a traceback: their conftest lets it in when all is loaded.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        if bind:
            bind()

    return programs.spawn(argv, env=environment, cwd=TESTS.parent, before=before)


def _pass_on(release: Callable[[], None], tests: programs.Process) -> None:
    try:
        release()
    except KeyboardInterrupt:
        tests.send_signal(signal.SIGINT)  # it may be younger than that; it holds both back, as one
        raise


def _end(tests: programs.Process, *, patience_s: float) -> None:
    """End pytest; it may first tell what it knows, for Ctrl-C reached it too. A second one ends that."""
    try:
        programs.ends_within(tests, patience_s)
    finally:
        tests.terminate()
        tests.wait()


def _must_have_lasted(launched: Launched, dead: Sequence[timeline.Event]) -> None:
    if dead:
        event = dead[0]
        messages.say(failure.failure([event], launched.run))
        raise ServiceFailed(
            f"{event.service} ended while {_running_test(launched.run)} ran: {event.text}.",
            hint=f"Everything that was seen is in {launched.run}.",
        )
    if launched.process.poll():
        raise GuardianLost(
            f"The stack's guardian was killed while {_running_test(launched.run)} ran.",
            hint="Run it again; the next command of any kind removes what is left.",
        )


def _watch(launched: Launched, tests: programs.Process, dead: list[timeline.Event], skip: int) -> None:
    def over() -> bool:
        return tests.poll() is not None or bool(launched.process.poll())

    for number, event in enumerate(timeline.follow(launched.run, ended=over)):
        if number >= skip and event.kind == "service" and event.state in verdicts.BAD - {"unhealthy"}:
            dead.append(event)
            break
    if tests.poll() is None:
        tests.terminate()


def _running_test(run: Path) -> str:
    """Return the test that is running, which the tests' conftest writes down."""
    path = run / "current-test"
    return path.read_text(encoding="utf-8") if path.exists() else "the tests"
