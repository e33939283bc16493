"""Every protection of every suite: the test modules are imported, and their decorators fill the table."""

from __future__ import annotations

import importlib

from unprotected.protection import ROOT, TABLE, Protection

SUITES = ("faults", "crashes", "data", "abuse", "cli")


def protections() -> tuple[Protection, ...]:
    """Return all of them, suite by suite."""
    for suite in SUITES:
        for file in sorted((ROOT / "tests" / suite).glob("test_*.py")):
            importlib.import_module(f"{suite}.{file.stem}")
    return tuple(sorted(TABLE, key=lambda row: SUITES.index(row.suite)))
