"""Every fault's test is seen to fail: it is run in a copy of the work tree that has no such protection.

``python -m faults.unprotected [WORD...]`` runs the rows whose fault has one of the words in it (all without
one) for the engine FAULTS_ENGINE. A test that stays green proves nothing, and is the failure here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from faults.protection import Cut, Protection
from faults.stage import CONTAINERS, ENGINE, remove_shared_folders, stacks_below
from faults.unprotected_owners import OWNERS
from faults.unprotected_services import SERVICES
from faults.unprotected_surroundings import SURROUNDINGS
from stack.display.tables import table
from stack.engines import registry
from stack.system.directories import ROOT

TABLE = (*SERVICES, *OWNERS, *SURROUNDINGS)
PATIENCE_S = 8
"""A test that waits for what never comes gives up so soon: that is a failure as good as another."""
LIMIT_S = 240
ASSERTIONS = ("AssertionError", "assert ", "Failed: ")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of a row: in ``words`` the failure's first line, or what was wrong where it is not red."""

    protection: Protection
    words: str
    red: bool
    seconds: float


def main(words: list[str]) -> int:
    """Run the rows, print the table, answer 1 where one of them was not seen red."""
    rows = [row for row in TABLE if row.engine == ENGINE and _is_chosen(row, words)]
    seen = []
    with tempfile.TemporaryDirectory(prefix="unprotected-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # servers run as another account
        copy = _copy(home / "tree")
        for row in rows:
            seen.append(_run(row, copy, home))
            mark = "red" if seen[-1].red else "NOT RED"
            print(f"{mark} in {seen[-1].seconds:.0f} s  {row.fault}: {seen[-1].words}", flush=True)
    print("\n" + _account(seen))
    return 0 if seen and all(each.red for each in seen) else 1


def _is_chosen(row: Protection, words: list[str]) -> bool:
    return not words or any(word in row.fault for word in words)


def _account(seen: list[Seen]) -> str:
    rows = [
        {
            "fault": each.protection.fault,
            "protection": each.protection.held_by,
            "test": _tests(each.protection),
            "seen red": "yes" if each.red else "NO",
        }
        for each in seen
    ]
    return table(rows, ["fault", "protection", "test", "seen red"])


def _tests(row: Protection) -> str:
    """Return the tests of a row, what they have in common said once."""
    names = [test.partition("::")[2] for test in row.tests]
    first = names[0].partition("[")[0]
    return " ".join([names[0], *(name.removeprefix(first) for name in names[1:])])


def _copy(target: Path) -> Path:
    """Copy the tracked files as they are now; compiled by content, so that a change is never overlooked."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    words = ["-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "stack", "tests/faults"]
    subprocess.run([sys.executable, *words], cwd=target, check=True)
    return target


def _run(row: Protection, copy: Path, home: Path) -> Seen:
    began = time.monotonic()
    try:
        with _without(row.cuts, copy):
            words, red = _judged(row, _report_of(row, copy, home))
    except (LookupError, ET.ParseError, OSError, subprocess.TimeoutExpired) as error:
        words, red = f"{type(error).__name__}: {error}", False
    finally:
        _remove_what_is_left(home)
    return Seen(protection=row, words=words, red=red, seconds=time.monotonic() - began)


@contextlib.contextmanager
def _without(cuts: tuple[Cut, ...], copy: Path) -> Iterator[None]:
    """Take the protection out, and put it back afterwards.

    Raises:
        LookupError: its text is not there, or more than once: the row is older than the code.
    """
    texts = {cut.file: (copy / cut.file).read_text(encoding="utf-8") for cut in cuts}
    try:
        for cut in cuts:
            now = (copy / cut.file).read_text(encoding="utf-8")
            if (count := now.count(cut.taken)) != 1:
                raise LookupError(f"{cut.file} has {count} times, not once: {cut.taken!r}")
            (copy / cut.file).write_text(now.replace(cut.taken, cut.put), encoding="utf-8")
        yield
    finally:
        for name, text in texts.items():
            (copy / name).write_text(text, encoding="utf-8")


def _report_of(row: Protection, copy: Path, home: Path) -> ET.Element:
    """Run the row's tests against the copy; answers pytest's report of them."""
    report = home / "report.xml"
    report.unlink(missing_ok=True)
    options = ["--basetemp", str(home / "tests"), "--junitxml", str(report)]
    with (home / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *row.tests],
            cwd=copy, env=_environment(copy), stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            process.wait(LIMIT_S)
        finally:
            process.kill()
    if not report.exists():
        raise LookupError((home / "said.txt").read_text(errors="replace")[-400:])
    return ET.parse(report).getroot()


def _environment(copy: Path) -> Mapping[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": f"{copy}:{copy / 'tests'}",
        "FAULTS_PATIENCE_S": str(PATIENCE_S),
        "TEST_SEED": "1",
    }


def _judged(row: Protection, report: ET.Element) -> tuple[str, bool]:
    """Return the first failure's first line and whether every test failed by an assertion of its own."""
    failed = {}
    for case in report.iter("testcase"):  # a test whose end fails, too, has an entry of its own for that
        failure = case.find("failure")
        failed[case.get("name", "")] = failure if failure is not None else failed.get(case.get("name", ""))
    said = [failure.get("message", "") for failure in failed.values() if failure is not None]
    if len(failed) < len(row.tests) or len(said) < len(failed):
        green = [name for name, failure in failed.items() if failure is None]
        return f"did not fail: {', '.join(green) or 'no test was run'}", False
    other = [words for words in said if not words.startswith(ASSERTIONS)]
    return _first_line((other or said)[0]), not other


def _first_line(words: str) -> str:
    """Return the first line of a failure, and what was asserted where that is further down."""
    first, *rest = words.strip().splitlines()
    asserted = next((line for line in rest if line.startswith("assert ")), "")
    return f"{first[:120]} {asserted[:80]}".strip()


def _remove_what_is_left(home: Path) -> None:
    """An engine without its protection leaves things: that is what was to be seen."""
    for process in list(psutil.process_iter()):
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and any(str(home) in word for word in process.cmdline()):
                process.kill()
    for state_home in home.glob("tests/*/home"):
        os.environ["STACK_HOME"] = str(state_home)
        remove_shared_folders()
    for name in stacks_below(home) if CONTAINERS else ():
        registry.remove_leftovers(ENGINE, name, volumes=True)
    shutil.rmtree(home / "tests", ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
