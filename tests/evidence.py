"""What services wrote while a test failed, in the report of that test."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

LINES = 40
EARLIER_S = 1.0
"""A file's time may be a little earlier than the moment at which it was written."""

_folders = [Path(__file__).resolve().parent.parent / ".stack" / "runs"]


def watch(folder: Path) -> None:
    """From now on, show the logs in this folder and below; this work tree's own runs always are."""
    _folders.append(folder)


def sections(since_s: float) -> list[tuple[str, str]]:
    """Return name and last lines of every log that was written to since then."""
    shown = []
    for path in sorted(_logs()):
        with contextlib.suppress(OSError):  # a stack that ends meanwhile takes files with it
            if path.stat().st_mtime > since_s - EARLIER_S:
                shown.append((f"log {path.parent.parent.name}/{path.name}", _tail(path)))
    return shown


def _logs() -> Iterator[Path]:
    for top in _folders:
        for folder, _, names in os.walk(top):
            yield from (Path(folder, name) for name in names if name.endswith(".log"))


def _tail(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as lines:
        return "".join(deque(lines, LINES))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs to the report of a failed test."""
    report = yield
    if report.failed:
        report.sections += sections(call.start)
    return report
