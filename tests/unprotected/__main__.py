"""``python -m unprotected [SUITE] [WORD...]``: see that every protection's tests fail without it.

Runs the rows of the engine FAULTS_ENGINE in whose test or description one of the words stands; all without
a word. A test that passes without its protection proves nothing, and is the failure here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from faults.settings import ENGINE
from stack.display.tables import table
from unprotected import work_tree
from unprotected.projects import Project
from unprotected.protection import ROOT, Cut, Protection
from unprotected.table import SUITES, protections
from unprotected.verdict import Case, Verdict, cases, judge

PATIENCE_S = 8
"""How long a test waits for what cannot happen any more."""
LIMIT_S = 300


def main(arguments: Sequence[str]) -> int:
    """Run the chosen rows and print the table; return 1 where one of them was not seen red."""
    verdicts: dict[Protection, Verdict] = {}
    with tempfile.TemporaryDirectory(prefix="unprotected-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # servers run as another account
        work_tree.temporary(home).mkdir()
        tree = work_tree.copy(home / "tree")
        for rows in by_cuts(choose(protections(), arguments)).values():
            python = rows[0].project.python(ROOT)
            began = time.monotonic()
            verdicts |= _run(rows, python, tree, home)
            print(f"{time.monotonic() - began:.0f} s", flush=True)
            for row in rows:
                print(f"  {_mark(verdicts[row])}  {row.test}: {verdicts[row].text}", flush=True)
    print("\n" + _summary(verdicts))
    return 0 if verdicts and all(verdict.red for verdict in verdicts.values()) else 1


def choose(rows: Iterable[Protection], arguments: Sequence[str]) -> list[Protection]:
    """Return the rows of this engine that the arguments select: suites, then words."""
    suites = [word for word in arguments if word in SUITES] or SUITES
    words = [word for word in arguments if word not in SUITES]
    return [
        row
        for row in rows
        if row.engine == ENGINE
        and row.suite in suites
        and (not words or any(word in f"{row.test} {row.description}" for word in words))
    ]


def by_cuts(rows: Iterable[Protection]) -> Mapping[tuple[Project, tuple[Cut, ...]], list[Protection]]:
    """Return the rows together whose project and cuts are the same: they need one run."""
    groups: dict[tuple[Project, tuple[Cut, ...]], list[Protection]] = defaultdict(list)
    for row in rows:
        groups[row.project, row.cuts].append(row)
    return groups


def _run(rows: Sequence[Protection], python: str, tree: Path, home: Path) -> dict[Protection, Verdict]:
    try:
        with work_tree.without(rows[0].cuts, tree):
            report = _report(rows, python, tree, home)
        return {row: judge(row, report) for row in rows}
    except (LookupError, ET.ParseError, OSError, subprocess.TimeoutExpired) as error:
        return dict.fromkeys(rows, Verdict(red=False, text=f"{type(error).__name__}: {error}"))
    finally:
        work_tree.clean_up(home)


def _report(rows: Sequence[Protection], python: str, tree: Path, home: Path) -> tuple[Case, ...]:
    """Run the rows' tests in the copy; return pytest's report of them.

    Raises:
        LookupError: pytest wrote none.
        TimeoutExpired: they did not end in time.
    """
    report, output = home / "report.xml", home / "output.txt"
    report.unlink(missing_ok=True)
    folder = tree / rows[0].project.folder
    tests = dict.fromkeys(name for row in rows for name in row.node_ids)
    options = ["--basetemp", str(home / "tests"), "--junitxml", str(report), "-p", "no:cacheprovider"]
    with output.open("wb") as file:
        process = subprocess.Popen(
            [python, "-m", rows[0].project.runner, *options, *tests],
            cwd=folder, env=_environment(tree, folder), stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            process.wait(LIMIT_S)
        finally:
            process.kill()
    if not report.exists():
        raise LookupError(output.read_text(errors="replace")[-400:])
    return cases(ET.parse(report).getroot())


def _environment(tree: Path, folder: Path) -> Mapping[str, str]:
    paths = [tree, tree / "tests"] if folder == tree else [folder]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "FAULTS_PATIENCE_S": str(PATIENCE_S),
        "TMPDIR": str(work_tree.temporary(tree.parent)),
        "TEST_SEED": "1",
    }


def _mark(verdict: Verdict) -> str:
    return "red" if verdict.red else "NOT RED"


def _summary(verdicts: Mapping[Protection, Verdict]) -> str:
    rows = [
        {"test": row.test, "protection": row.description, "without it": _mark(verdict)}
        for row, verdict in verdicts.items()
    ]
    red = sum(verdict.red for verdict in verdicts.values())
    return f"{table(rows, ['test', 'protection', 'without it'])}\n{red} of {len(rows)} were seen red"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
