"""What a stack stands on is gone, forged or full: what bears it, and the test that fails without."""

from __future__ import annotations

from faults.protection import Cut, Protection

AROUND, STATE = "tests/faults/test_surroundings.py::", "stack/records/state.py"
FORGED = f"{AROUND}test_a_state_file_that_makes_no_sense_is_set_aside_and_told"

SURROUNDINGS = (
    Protection(
        fault="work tree deleted while up",
        held_by="the record of a run that was deleted is not made again",
        cuts=(
            Cut(
                file="stack/display/summary.py",
                taken='if not (run / "request.json").is_file():',
                put="if False:",
            ),
        ),
        tests=(f"{AROUND}test_a_work_tree_that_is_deleted_does_not_keep_its_stack",),
    ),
    Protection(
        fault="state file damaged: empty, truncated, lacking something or of another shape",
        held_by="it is read as a whole or not at all",
        cuts=(
            Cut(
                file="stack/records/record_file.py",
                taken="except (msgspec.MsgspecError, UnicodeDecodeError) as error:",
                put="except UnicodeDecodeError as error:",
            ),
        ),
        tests=tuple(
            f"{FORGED}[{damage}]" for damage in ("empty", "truncated", "zeros", "lacking", "another shape")
        ),
    ),
    Protection(
        fault="state file from another version",
        held_by="the version is compared",
        cuts=(Cut(file=STATE, taken="tag=VERSION", put="tag=99"),),
        tests=(f"{FORGED}[another version]",),
    ),
    Protection(
        fault="state file not ours",
        held_by="unknown keys are refused",
        cuts=(Cut(file=STATE, taken="forbid_unknown_fields=True, tag_field", put="tag_field"),),
        tests=(f"{FORGED}[not ours]",),
    ),
    Protection(
        fault="a pid that was given to another process",
        held_by="the guardian's start time",
        cuts=(
            Cut(
                file="stack/system/processes.py",
                taken="return pid > 0 and started(pid) == since",
                put="return pid > 0 and started(pid) is not None",
            ),
        ),
        tests=(f"{AROUND}test_a_pid_that_was_given_to_another_process_is_not_ours",),
    ),
    Protection(
        fault="full disk",
        held_by="what the machine refuses is told by its name",
        cuts=(
            Cut(
                file="stack/system/disk_space.py",
                taken='return DiskFull(f"No room is left where',
                put='StackError(f"',
            ),
        ),
        tests=(f"{AROUND}test_a_full_disk_is_an_error_of_its_own_and_leaves_nothing",),
    ),
    Protection(
        fault="full disk: the end",
        held_by="what cannot be noted down keeps nothing from ending",
        cuts=(
            Cut(
                file="stack/guardian/guardian.py",
                taken="with contextlib.suppress(OSError):  # also on a full disk the stack is ended",
                put="if True:",
            ),
        ),
        tests=(f"{AROUND}test_a_disk_that_fills_while_a_stack_is_up_keeps_it_from_nothing_at_its_end",),
    ),
    Protection(
        fault="clock set back",
        held_by="start times count from the machine's boot",
        cuts=(
            Cut(
                file="stack/system/processes.py",
                taken="float(fields[19])",
                put="round(time.time() - time.monotonic() + float(fields[19]) / 100, -1)",
            ),
        ),
        tests=(f"{AROUND}test_a_clock_set_back_ends_no_stack",),
    ),
)
