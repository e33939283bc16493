"""Which outputs mean that a disk is full."""

from __future__ import annotations

import pytest

from stack.system import disk_space


@pytest.mark.parametrize(
    "output",
    [
        "pg_dump: error: could not write: No space left on device",
        "write /dev/stdout: no space left on device",
        "FATAL:  could not write init file",
    ],
)
def test_a_full_disk_is_recognised_whichever_program_reports_it(output: str) -> None:
    assert disk_space.reports_full_disk(output)


def test_another_failure_is_no_full_disk() -> None:
    assert not disk_space.reports_full_disk("permission denied")
