"""Owners that are interrupted, killed, or two at once: what cleans up, and the test that fails without."""

from __future__ import annotations

from collections.abc import Sequence

from faults.owning import PHASES
from faults.protection import Cut, Protection

JOBS, OWNED = "tests/faults/test_jobs.py::", "tests/faults/test_owners.py::"
CONTROL, SWEEP = "stack/control/guardians.py", "stack/control/sweep.py"
GUARDIAN, KERNEL = "stack/guardian/guardian.py", "stack/system/kernel.py"
INTERRUPTS, EXIT = "stack/system/ctrl_c.py", "stack/commands/exit_code.py"
TESTING = "stack/commands/pytest_process.py"
SLIPS = f"{OWNED}test_a_service_that_slips_away_is_found_after_its_guardian_was_killed"

LEASE = Cut(file=GUARDIAN, taken="        if not said:\n            self._end()\n", put="")
"""Without it nobody minds that the owner is gone."""


def _ctrl_c(presses: int, phases: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{JOBS}test_ctrl_c_ends_everything_with_130[{phase}-{presses}]" for phase in phases)


OWNERS = (
    Protection(
        fault="Ctrl-C once, at every phase: what is told",
        held_by="the interrupt is the job's own, and ends in 130",
        cuts=(
            Cut(
                file=EXIT,
                taken="    except KeyboardInterrupt:\n        ctrl_c.ignore(last=True)",
                put="    except GeneratorExit:",
            ),
        ),
        tests=_ctrl_c(1, PHASES),
    ),
    Protection(
        fault="Ctrl-C once: what is left",
        held_by="the quick end, and behind it the lease: both are out",
        cuts=(
            LEASE,
            Cut(
                file=CONTROL,
                taken="        for _ in range(2):\n            if kept",
                put="        for _ in range(0):\n            if kept",
            ),
        ),
        tests=_ctrl_c(1, [PHASES[0], PHASES[-1]]),  # each waits long for what does not go
    ),
    Protection(
        fault="Ctrl-C where Python forgets it",
        held_by="held back while a process is made, else raised again: both are out",
        cuts=(
            Cut(file=INTERRUPTS, taken="lambda number, frame: noted.append(number)", put="before[number]"),
            Cut(file=INTERRUPTS, taken="signal.setitimer(signal.ITIMER_REAL, AGAIN_S)"),
        ),
        tests=(f"{JOBS}test_ctrl_c_that_python_forgets_is_not_lost",),
    ),
    Protection(
        fault="Ctrl-C while a test runs: what had failed before",
        held_by="pytest is waited for while it says so",
        cuts=(Cut(file=TESTING, taken="REPORT_LIMIT_S = 3.0", put="REPORT_LIMIT_S = 0.0"),),
        tests=(f"{JOBS}test_ctrl_c_leaves_pytest_the_time_to_say_what_failed",),
    ),
    Protection(
        fault="Ctrl-C twice",
        held_by="the second one is let pass",
        cuts=(
            Cut(
                file=INTERRUPTS,
                taken="_handle(number, signal.SIG_IGN if last else lambda number, frame: None)",
                put="_handle(number, signal.SIG_DFL)",
            ),
        ),
        tests=_ctrl_c(2, PHASES[:4]),  # later it is the tests that are waited for
    ),
    Protection(
        fault="exits while a test runs",
        held_by="the stack is followed while the tests run",
        cuts=(Cut(file=TESTING, taken="            failures.append(event)\n", put=""),),
        tests=(f"{JOBS}test_a_service_that_exits_while_a_test_runs_ends_the_run_and_names_the_test",),
    ),
    Protection(
        fault="TERM, HUP and SIGKILL of the command",
        held_by="the lease: the kernel tells the guardian of every end",
        cuts=(LEASE,),
        tests=(f"{OWNED}test_an_owner_that_is_ended_takes_its_stack_along",),
    ),
    Protection(
        fault="TERM, HUP and SIGKILL of the command: its tests",
        held_by="the parent-death signal of the tests",
        cuts=(Cut(file=TESTING, taken="        if bind:\n            bind()\n", put=""),),
        tests=(f"{JOBS}test_a_job_that_is_ended_takes_its_stack_and_its_tests_along",),
    ),
    Protection(
        fault="SIGSTOP, then CONT",
        held_by="the guardian has a session of its own",
        cuts=(Cut(file=CONTROL, taken="own_session=True", put="own_session=False"),),
        tests=(f"{OWNED}test_an_owner_that_is_stopped_and_continued_loses_nothing",),
    ),
    Protection(
        fault="SIGKILL of the guardian, in a PID namespace",
        held_by="the namespace, and behind it the parent-death signal: both are out",
        cuts=(
            Cut(file=KERNEL, taken='"--pid", "--fork", "--kill-child=KILL")\nUSER', put='"--fork")\nUSER'),
            Cut(file=KERNEL, taken="        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)\n", put=""),
        ),
        tests=(f"{OWNED}test_a_killed_guardian_takes_its_services_along_at_once[namespace]",),
    ),
    Protection(
        fault="SIGKILL of the guardian, without a namespace",
        held_by="the parent-death signal",
        cuts=(Cut(file=KERNEL, taken="        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)\n", put=""),),
        tests=(f"{OWNED}test_a_killed_guardian_takes_its_services_along_at_once[no namespace]",),
    ),
    Protection(
        fault="SIGKILL of the guardian: what it kept",
        held_by="every command sweeps",
        cuts=(Cut(file=SWEEP, taken="            clean_up(kept)\n            said", put="            said"),),
        tests=(f"{OWNED}test_a_killed_guardian_s_stack_is_found_by_the_next_command",),
    ),
    Protection(
        fault="SIGKILL of the guardian: who left its service",
        held_by="the token in the environment of every process",
        cuts=(
            Cut(
                file=SWEEP,
                taken="processes.with_token(kept.token) + _recorded(kept)",
                put="_recorded(kept)",
            ),
        ),
        tests=(f"{SLIPS}[no namespace-forks_twice]",),
    ),
    Protection(
        fault="SIGKILL of the guardian: who hides the token",
        held_by="every service's first process is on record",
        cuts=(
            Cut(
                file=SWEEP,
                taken="processes.with_token(kept.token) + _recorded(kept)",
                put="processes.with_token(kept.token)",
            ),
        ),
        tests=(f"{SLIPS}[no namespace-hides]",),
    ),
    Protection(
        fault="SIGKILL of both",
        held_by="every command sweeps",
        cuts=(Cut(file=SWEEP, taken="            clean_up(kept)\n            said", put="            said"),),
        tests=(f"{OWNED}test_a_killed_command_and_guardian_are_cleaned_up_after_by_the_next_command",),
    ),
    Protection(
        fault="SIGKILL of the guardian: its containers",
        held_by="every command sweeps the engine, too",
        cuts=(
            Cut(
                file=SWEEP, taken="registry.remove_leftovers(kept.engine, kept.name, volumes=kept.ephemeral)"
            ),
        ),
        tests=(f"{OWNED}test_a_killed_guardian_s_stack_is_found_by_the_next_command",),
        engine="docker",
    ),
    Protection(
        fault="SIGKILL of the guardian while a test runs",
        held_by="the guardian is watched while the tests run",
        cuts=(
            Cut(
                file=TESTING,
                taken="return tests.poll() is not None or bool(stack.process.poll())",
                put="return tests.poll() is not None",
            ),
        ),
        tests=(f"{JOBS}test_a_guardian_killed_while_a_test_runs_ends_the_run_and_is_named",),
    ),
    Protection(
        fault="terminal closed on a detached stack",
        held_by="a session of its own",
        cuts=(Cut(file=CONTROL, taken="own_session=True", put="own_session=False"),),
        tests=(f"{OWNED}test_a_detached_stack_survives_its_terminal_but_not_down",),
    ),
    Protection(
        fault="terminal closed on an ephemeral stack",
        held_by="the lease",
        cuts=(LEASE,),
        tests=(f"{OWNED}test_an_ephemeral_stack_ends_with_its_terminal",),
    ),
    Protection(
        fault="two `up` at the same instant",
        held_by="a lock of the stack's name",
        cuts=(
            Cut(
                file="stack/control/session.py",
                taken="FileLock(locks / name,",
                put='FileLock(locks / f"{name}{os.getpid()}",',
            ),
        ),
        tests=(f"{OWNED}test_two_ups_in_the_same_instant_make_one_stack",),
    ),
    Protection(
        fault="`down` during `up`",
        held_by="a stack is there to be ended as soon as it has a guardian",
        cuts=(
            Cut(
                file="stack/commands/down.py",
                taken="    if stack is None:\n        if volumes:",
                put='    if stack is None or stack.phase != "up":\n        if volumes:',
            ),
        ),
        tests=(f"{OWNED}test_a_down_during_an_up_leaves_nothing",),
    ),
)
