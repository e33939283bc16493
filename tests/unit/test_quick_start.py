"""What people type most starts without the code that only other commands need."""

from __future__ import annotations

import subprocess
import sys

from stack.system.directories import ROOT

NOT_NEEDED = {
    "rich",
    "yaml",
    "stack.control.session",
    "stack.display.failure",
    "stack.engines.local.cluster",
    "stack.environments",
    "stack.health",
    "stack.plan.dockerfile",
    "stack.plan.plan",
}


def test_a_reset_imports_nothing_that_starts_stacks_or_tells_of_failures() -> None:
    code = (
        "import sys, stack.commands.exit_code, stack.commands.prune, stack.commands.reset_db\n"
        "import stack.engines.local.postgres_data\n"
        "print(*sys.modules)"
    )
    words = [sys.executable, "-c", code]
    printed = subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert set(printed.split()) & NOT_NEEDED == set()
