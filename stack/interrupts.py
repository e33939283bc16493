"""Ctrl-C: never lost, and let pass once the quick end is under way."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

AGAIN_S = 0.005


def never_lost() -> None:
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

    with contextlib.suppress(ValueError):  # only the main thread may, and only it is interrupted
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        sys.unraisablehook = again


def no_more(*, last: bool = False) -> None:
    """Let further Ctrl-C pass: the quick end is under way, and must not be left half done.

    ``last`` says that nothing is started any more, so that nobody inherits it: then it outlasts Python's own
    end, which takes all other handlers away.
    """
    passing = signal.SIG_IGN if last else lambda number, frame: None
    with contextlib.suppress(ValueError):  # only the main thread may, and only it is interrupted
        signal.signal(signal.SIGINT, passing)
        signal.signal(signal.SIGALRM, passing)
