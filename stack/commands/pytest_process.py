"""The process that runs the integration tests: pytest, started against a stack and ended with it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from stack.control import guardians, recorder
from stack.control.guardians import GuardianProcess
from stack.display import failure, messages
from stack.errors import GuardianLost, NotReady, ServiceFailed, TestsFailed
from stack.health import verdicts
from stack.records import timeline
from stack.records.state import StackState
from stack.records.timeline import Event
from stack.system import ctrl_c, kernel, programs
from stack.system.directories import ROOT

TESTS = ROOT / "integration_tests"

NO_TEST_RAN = {
    4: "The integration tests did not run: pytest rejected an argument; its message is above.",
    5: "No integration test ran: none matches what you asked for.",
}
"""pytest's exit codes where no test failed (https://docs.pytest.org/en/stable/reference/exit-codes.html)."""

NOT_READY = 7
"""The exit code of the tests where a service was not ready (integration_tests/readiness.py)."""

REPORT_LIMIT_S = 3.0
"""How long pytest may take after Ctrl-C to report which tests had failed."""

FATAL = verdicts.BAD - {"unhealthy"}
"""States of a service that end the tests at once; an unhealthy service may recover."""


def test(stack: GuardianProcess, python: Path, arguments: Sequence[str], *, began_at: int) -> None:
    """Run pytest with ``arguments`` and end it at once when a service of the stack fails.

    ``began_at`` is the number of the stack's events before the tests.

    Raises:
        ServiceFailed, GuardianLost: the stack ended before the tests.
        NotReady: they did not begin, because a service was not ready.
        TestsFailed: they did not pass.
    """
    failures: list[Event] = []
    with ctrl_c.hold() as release:
        tests = _start(stack, python, arguments)
        try:
            _forward_interrupt(release, tests)
            watcher = threading.Thread(target=_watch, args=(stack, tests, failures, began_at), daemon=True)
            watcher.start()
            code = tests.wait()
        except BaseException as error:
            _end(tests, patience_s=REPORT_LIMIT_S if isinstance(error, KeyboardInterrupt) else 0)
            raise
    watcher.join(timeout=0.1)
    _ensure_stack_lasted(stack, failures)
    require_passed(code, stack.run)


def argv_of(python: Path, run: Path, tests: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return the command that runs ``tests``, files or folders; its report goes into the run's folder."""
    report_options = [f"--junitxml={run / 'junit.xml'}", "-o", "junit_logging=all"]
    return [str(python), "-m", "pytest", *tests, *report_options, *options]


def environment_of(stack: StackState, run: Path) -> dict[str, str]:
    """Return the environment in which the tests find a running stack."""
    environment = {**os.environ, **stack.endpoints, "STACK_NAME": stack.name, "STACK_ENGINE": stack.engine}
    environment |= {"STACK_RUN": str(run), "STACK_PYTHON": sys.executable}
    if (receiver := recorder.of_stack(stack.name)) is not None:
        environment[recorder.ENDPOINT] = receiver.address
    return environment


def require_passed(code: int, run: Path) -> None:
    """Raise where the tests' exit code says that not all of them passed.

    Raises:
        NotReady: they did not begin, because a service was not ready.
        TestsFailed: they did not pass, or none ran.
    """
    if code == NOT_READY:
        reasons = (run / "not-ready").read_text(encoding="utf-8")
        raise NotReady(f"The stack is up but not ready; {reasons}.", hint=f"See {run}.")
    if code != 0:
        raise TestsFailed(
            NO_TEST_RAN.get(code, f"The integration tests did not pass (pytest ended with {code})."),
            hint=f"See {run}.",
        )


def _start(stack: GuardianProcess, python: Path, arguments: Sequence[str]) -> programs.Process:
    argv = argv_of(python, stack.run, [str(TESTS)], arguments)
    environment = environment_of(guardians.require_running(stack.name), stack.run)
    bind = kernel.die_with_parent()

    def before() -> None:
        # Ctrl-C during an import only prints a traceback: the tests' conftest unblocks it after the imports.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        if bind:
            bind()

    return programs.spawn(argv, env=environment, cwd=TESTS.parent, before=before)


def _forward_interrupt(release: Callable[[], None], tests: programs.Process) -> None:
    try:
        release()
    except KeyboardInterrupt:
        tests.send_signal(signal.SIGINT)  # it came before pytest started; pytest blocks and merges both
        raise


def _end(tests: programs.Process, *, patience_s: float) -> None:
    """Wait for pytest's report after Ctrl-C, which has reached it as well, then end it.

    A second Ctrl-C ends it at once.
    """
    try:
        programs.ends_within(tests, patience_s)
    finally:
        tests.terminate()
        tests.wait()


def _ensure_stack_lasted(stack: GuardianProcess, failures: Sequence[Event]) -> None:
    if failures:
        event = failures[0]
        messages.say(failure.failure([event], stack.run))
        raise ServiceFailed(
            f"{event.service} ended while {_running_test(stack.run)} ran: {event.text}.",
            hint=f"The record of the run is in {stack.run}.",
        )
    if stack.process.poll():
        raise GuardianLost(
            f"The stack's guardian was killed while {_running_test(stack.run)} ran.",
            hint="Run the job again; it first cleans up what the stack left.",
        )


def _watch(stack: GuardianProcess, tests: programs.Process, failures: list[Event], skip: int) -> None:
    def over() -> bool:
        return tests.poll() is not None or bool(stack.process.poll())

    for number, event in enumerate(timeline.follow(stack.run, ended=over)):
        if number >= skip and event.kind == "service" and event.state in FATAL:
            failures.append(event)
            break
    if tests.poll() is None:
        tests.terminate()


def _running_test(run: Path) -> str:
    """Return the name of the running test, which the tests' conftest records."""
    path = run / "current-test"
    return path.read_text(encoding="utf-8") if path.exists() else "the tests"
