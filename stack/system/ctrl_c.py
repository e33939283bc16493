"""Ctrl-C: never lost, delayed while a process is started, ignored once the stack is being ended quickly.

``asyncio.Runner`` handles SIGINT by cancelling a task, which interrupts no blocking call: with it 9 of the
17 tests of Ctrl-C in ``tests/faults/test_jobs.py`` fail (no end within 13 s), and as many where the work is
done in a thread.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | int | None
AGAIN_S = 0.005
SIGNALS = (signal.SIGINT, signal.SIGALRM)
"""Ctrl-C, and the timer that raises a lost one again."""

UNCHANGED = (signal.SIG_IGN, None)
"""Handlers that are left alone: ignored, as in a shell's background job, or not set by Python."""


def raise_lost_interrupts() -> None:
    """Raise ``KeyboardInterrupt`` again where Python drops it.

    The main thread may be in a hook around a fork, in the callback of a weak reference or in ``__del__``,
    whose exceptions Python prints and drops (``sys.unraisablehook``): the command would go on.
    """
    own_pid, before = os.getpid(), sys.unraisablehook

    def again(lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_type is not KeyboardInterrupt:
            before(lost)
        elif os.getpid() == own_pid:  # a child that is about to execute a program gets the signal itself
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)

    _handle(signal.SIGALRM, signal.default_int_handler)
    sys.unraisablehook = again


@contextlib.contextmanager
def hold() -> Iterator[Callable[[], None]]:
    """Delay Ctrl-C until the yielded function is called, which raises it.

    Call it first in the ``try`` block that ends a process which was started before: so Ctrl-C never falls
    between the two.
    """
    noted: list[int] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: handler for number, handler in handlers.items() if handler not in UNCHANGED}

    def release() -> None:
        while before:
            _handle(*before.popitem())
        if noted:
            raise KeyboardInterrupt

    for number in before:
        _handle(number, lambda number, frame: noted.append(number))
    try:
        yield release
    finally:
        while before:
            _handle(*before.popitem())


def ignore(*, last: bool = False) -> None:
    """Ignore further Ctrl-C: the stack is being ended quickly, and must not be left half ended.

    ``last``: no process is started any more that would inherit it; then Ctrl-C is ignored until this process
    has ended, also while Python shuts down.
    """
    for number in SIGNALS:
        _handle(number, signal.SIG_IGN if last else lambda number, frame: None)


def _handle(number: signal.Signals, handler: Handler) -> None:
    with contextlib.suppress(ValueError):  # other threads may not set handlers, and are not interrupted
        signal.signal(number, handler)
