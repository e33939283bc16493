"""Ctrl-C: never lost, held back while a process is made, let pass once the quick end is under way."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | int | None
AGAIN_S = 0.005
OURS = (signal.SIGINT, signal.SIGALRM)
"""What a person sends, and what reminds of one that was lost."""

UNHEARD = (signal.SIG_IGN, None)
"""Ignored, as in a shell's background job, or not Python's: that stays so."""


def raise_lost_interrupts() -> None:
    """Raise ``KeyboardInterrupt`` again where Python could not pass it on.

    It comes wherever the main thread is: also in a hook around a fork, in a weak reference's callback or in
    ``__del__``, whose exceptions Python prints and forgets (``sys.unraisablehook``). A command that forgets
    it would go on as if nobody had pressed anything.
    """
    ours, before = os.getpid(), sys.unraisablehook

    def again(lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_type is not KeyboardInterrupt:
            before(lost)
        elif os.getpid() == ours:  # in a child about to become a program it is that program's matter
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)

    _handle(signal.SIGALRM, signal.default_int_handler)
    sys.unraisablehook = again


@contextlib.contextmanager
def hold() -> Iterator[Callable[[], None]]:
    """Keep Ctrl-C back until the function that this answers is called, which raises it.

    Called in the ``try`` that ends a process, it leaves no moment in which one is made and nobody knows it.
    """
    noted: list[int] = []
    heard = {number: signal.getsignal(number) for number in OURS}
    before = {number: handler for number, handler in heard.items() if handler not in UNHEARD}

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
    """Let further Ctrl-C pass: the quick end is under way, and must not be left half done.

    ``last`` says that nothing is started any more, so that nobody inherits it: then it outlasts Python's own
    end, which takes all other handlers away.
    """
    for number in OURS:
        _handle(number, signal.SIG_IGN if last else lambda number, frame: None)


def _handle(number: signal.Signals, handler: Handler) -> None:
    with contextlib.suppress(ValueError):  # only the main thread may, and only it is interrupted
        signal.signal(number, handler)
