"""Every protection of every suite: importing the modules that name them fills the table.

These are the test modules with decorators and, as services share no code with this, ``unprotected.services``.
"""

from __future__ import annotations

import importlib
import sys

from unprotected.protection import ROOT, TABLE, Protection

SUITES = ("backend", "postgres", "gateway", "unit", "faults", "crashes", "data", "abuse", "cli")
DECORATOR = "@protected_by("


def protections() -> tuple[Protection, ...]:
    """Return all of them, suite by suite."""
    for suite in SUITES:
        sys.path.append(str(ROOT / "tests" / suite))  # modules beside the tests, as pytest finds them
        for file in sorted((ROOT / "tests" / suite).glob("test_*.py")):
            if DECORATOR in file.read_text(encoding="utf-8"):
                importlib.import_module(f"{suite}.{file.stem}")
    for file in sorted((ROOT / "tests" / "unprotected" / "services").glob("*.py")):
        importlib.import_module(f"unprotected.services.{file.stem}")
    return tuple(sorted(TABLE, key=lambda row: SUITES.index(row.suite)))
