"""Every protection's tests are seen to fail: they are run in a copy of the work tree that lacks it.

``python -m crashes.unprotected [WORD...]`` takes out one after the other, or those whose fault has one of the
words in it. Tests that stay green prove nothing, and are the failure here.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.protection import Cut, Protection

from crashes.protections import TABLE
from stack.system import programs
from stack.system.directories import ROOT

LIMIT_S = 300.0


def main(words: list[str]) -> int:
    """Run the rows, say what came of each, answer 1 where one was not seen red."""
    rows = [row for row in TABLE if not words or any(word in row.fault for word in words)]
    with tempfile.TemporaryDirectory(prefix="unprotected-") as folder:
        copy = Path(folder)
        copy.chmod(0o755)  # Postgres does not run as root
        _fill(copy)
        green = [row.fault for row in rows if not _is_red(row, copy)]
    print(
        f"{len(rows) - len(green)} of {len(rows)} were seen red"
        + "".join(f"\nNOT RED: {row}" for row in green)
    )
    return 1 if green or not rows else 0


def _fill(copy: Path) -> None:
    listed = programs.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)


def _is_red(row: Protection, copy: Path) -> bool:
    began = time.monotonic()
    with _without(row.cuts, copy):
        done = programs.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", *row.tests],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": f"{copy}:{copy / 'tests'}"},
            timeout_s=LIMIT_S,
            check=False,
        )
    red = done.returncode == 1 and "FAILED" in done.stdout  # not where nothing could be started or collected
    said = [line for line in done.stdout.splitlines() if line.startswith("E ")] or [done.stderr[-200:]]
    words = said[0].removeprefix("E").strip()[:120]
    print(
        f"{'red' if red else 'NOT RED'} in {time.monotonic() - began:.0f} s  {row.fault}: {words}", flush=True
    )
    return red


@contextmanager
def _without(cuts: tuple[Cut, ...], copy: Path) -> Iterator[None]:
    """Take the protection out of the copy, and put it back afterwards.

    Raises:
        AssertionError: its text is not there, or more than once: the row is older than the code.
    """
    whole = {cut.file: (copy / cut.file).read_text(encoding="utf-8") for cut in cuts}
    try:
        for cut in cuts:
            text = (copy / cut.file).read_text(encoding="utf-8")
            assert text.count(cut.taken) == 1, f"{cut.file} has not once: {cut.taken!r}"
            (copy / cut.file).write_text(text.replace(cut.taken, cut.put), encoding="utf-8")
        yield
    finally:
        for name, text in whole.items():
            (copy / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
