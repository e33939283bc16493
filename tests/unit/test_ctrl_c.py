"""Ctrl-C reaches the command wherever it falls, and passes once the end is under way."""

from __future__ import annotations

import subprocess
import sys

from stack.system.directories import ROOT

BEGINNING = """
import signal, time
from stack.system import ctrl_c
class Dying:
    def __del__(self):
        {death}
ctrl_c.raise_lost_interrupts()
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
    waited = f"ctrl_c.ignore(); {PRESSED}; sleep = time.sleep; time.sleep = lambda seconds: sleep(0.05)"
    assert _run(PRESSED, then=waited).stdout == "lost\n"


def test_what_is_held_back_is_raised_where_it_is_released() -> None:
    held = f"hold = ctrl_c.hold(); release = hold.__enter__(); {PRESSED}; print('made'); release()"
    assert _run("pass", then=held).stdout == "made\nraised\n"


def test_an_ignored_interrupt_stays_ignored_after_the_hold() -> None:
    over = "hold = ctrl_c.hold(); hold.__enter__()(); ctrl_c.ignore(); hold.__exit__(*[None] * 3)"
    assert _run("pass", then=f"{over}; {PRESSED}; time.sleep = lambda seconds: None").stdout == "lost\n"


def test_an_ignored_interrupt_stays_ignored_during_the_hold() -> None:
    ignored = "signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep = lambda seconds: None"
    held = f"hold = ctrl_c.hold(); release = hold.__enter__(); {PRESSED}; release()"
    assert _run("pass", then=f"{ignored}; {held}").stdout == "lost\n"


def test_a_hold_that_fails_is_over() -> None:
    failing = f"""
    try:
        with ctrl_c.hold():
            raise OSError
    except OSError:
        {PRESSED}"""
    assert _run("pass", then=failing.strip()).stdout == "raised\n"
