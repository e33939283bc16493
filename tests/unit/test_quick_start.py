"""What people type most starts without the code that only other commands need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stack.system.directories import ROOT

NOT_NEEDED = {
    "rich",
    "yaml",
    "stack.control.session",
    "stack.display.failure",
    "stack.engines.local.cluster",
    "stack.engines.local.process",
    "stack.environments.virtualenv",
    "stack.health",
    "stack.plan.dockerfile",
    "stack.plan.plan",
}


@pytest.mark.parametrize(
    "work",
    [
        "stack.commands.reset_db, stack.engines.local.postgres_data",
        "stack.commands.backup, stack.commands.restore, stack.engines.local.servers",
    ],
    ids=["reset-db", "backup"],
)
def test_a_data_command_imports_nothing_that_starts_stacks_or_tells_of_failures(work: str) -> None:
    code = f"import sys, stack.commands.exit_code, stack.commands.prune, {work}\nprint(*sys.modules)"
    words = [sys.executable, "-c", code]
    printed = subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert set(printed.split()) & NOT_NEEDED == set()


def test_what_a_standby_does_needs_no_reader_of_records_here() -> None:
    code = """
import sys
import stack.control.standby
from stack.commands.menu import data
stack.control.standby.run = lambda *words: print(*sys.modules) or 7
try:
    data.reset_db.body(None)
except Exception as ended:
    print(ended.code)
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    printed = done.stdout.split()
    assert (printed[-1], {"msgspec", "stack.records.state"} & set(printed)) == ("7", set())
