"""What a test pays for data of its own: an integration test for a database, a backend's test for a clean one.

Usage: python benchmarks/data_tests.py [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from data_tools import ROOT, report, seconds, stack_to_measure
from fresh_database import TestDatabases

TEST_S = 0.5
"""How long a test goes on after it got its database; meanwhile the next one is made."""

TESTS = """
import pytest
from catalog.models import Category

TIMES = pytest.mark.parametrize("number", range(200))

@TIMES
def test_of_no_database(number):
    pass

@TIMES
def test_of_a_clean_database(number, db):
    pass

@TIMES
def test_that_writes(number, db):
    assert Category.objects.count() == 0
    Category.objects.create(name="One", slug="one")
"""


def main(rounds: int) -> None:
    """Measure and print."""
    measure_fresh_db(rounds)
    for module, kind in (("pytest", "SQLite"), ("tests.on_postgres", "Postgres")):
        measure_backend_tests(module, kind)


def measure_fresh_db(rounds: int) -> None:
    """Print how long ``fresh_db`` keeps a test waiting."""
    with stack_to_measure() as (stack, _):
        os.environ.update(STACK_HOME=stack.environment["STACK_HOME"], STACK_NAME=stack.name)
        os.environ["PYTHONPATH"] = str(ROOT)
        databases = TestDatabases()
        first_s = seconds(lambda: give_back(databases))
        taken = []
        for _ in range(rounds):
            time.sleep(TEST_S)
            taken.append(seconds(lambda: give_back(databases)))
        at_once = [seconds(lambda: give_back(databases)) for _ in range(rounds)]
        databases.close()
    report("fresh_db, the first of a session", first_s)
    report(f"fresh_db, after tests of {TEST_S} s", statistics.median(taken), at_most=50)
    report("  the longest", max(taken))
    report("fresh_db, one after the other at once", statistics.median(at_once))


def give_back(databases: TestDatabases) -> None:
    """Ask for a database, and drop it."""
    given = databases.ask("fresh")
    databases.drop(given["name"])


def measure_backend_tests(module: str, kind: str) -> None:
    """Print what the clean database of a backend's test costs, by pytest's own times."""
    with tempfile.TemporaryDirectory() as folder:
        file, times = Path(folder) / "test_costs.py", Path(folder) / "times.xml"
        file.write_text(TESTS)
        backend = ROOT / "backend"
        subprocess.run(
            [sys.executable, "-m", "uv", "run", "--quiet", "--no-project",
             "--with-requirements", "requirements-dev.txt", "python", "-m", module, "-c", "pyproject.toml",
             "--rootdir", str(backend), "-p", "no:cacheprovider", "--junitxml", str(times), str(file)],
            cwd=backend, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        cases = [
            (case.get("name", ""), float(case.get("time", 0))) for case in ET.parse(times).iter("testcase")
        ]

    def usual_s(name: str) -> float:
        return statistics.median(taken_s for case, taken_s in cases if case.startswith(f"{name}["))

    bare_s = usual_s("test_of_no_database")
    report(
        f"{kind}: a clean database for a backend's test",
        usual_s("test_of_a_clean_database") - bare_s,
        at_most=5,
    )
    report("  the same, two queries of the test included", usual_s("test_that_writes") - bare_s)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
