"""Ctrl-C reaches the command wherever it falls, and passes once the end is under way."""

from __future__ import annotations

import subprocess
import sys

from stack.control import ROOT

BEGINNING = """
import signal, time
from stack import interrupts
class Dying:
    def __del__(self):
        {death}
interrupts.never_lost()
try:
    Dying()
    {then}
    time.sleep(10)
    print("lost")
except KeyboardInterrupt:
    print("raised")
"""
PRESSED = "signal.raise_signal(signal.SIGINT)"


def _run(death: str, then: str = "pass") -> subprocess.CompletedProcess[str]:
    program = BEGINNING.format(death=death, then=then)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_an_interrupt_that_python_forgets_is_raised_again_and_not_printed() -> None:
    ended = _run(PRESSED)
    assert (ended.stdout, ended.stderr) == ("raised\n", "")


def test_another_exception_that_goes_nowhere_is_printed_and_raises_nothing() -> None:
    ended = _run("raise OSError('gone')", then="time.sleep = lambda seconds: None")
    assert ended.stdout == "lost\n"
    assert "OSError: gone" in ended.stderr


def test_nothing_is_raised_any_more_once_the_end_is_under_way() -> None:
    waited = f"interrupts.no_more(); {PRESSED}; sleep = time.sleep; time.sleep = lambda seconds: sleep(0.05)"
    assert _run(PRESSED, then=waited).stdout == "lost\n"
