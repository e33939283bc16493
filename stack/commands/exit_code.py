"""How every program of this project ends: an error is printed as a sentence and becomes an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from stack.control import session
from stack.display import failure, messages
from stack.errors import StackError
from stack.system import ctrl_c

INTERRUPTED = 130
"""What shells report of a program that SIGINT ended (128 + 2)."""


def run(work: Callable[[], int | None], *, interrupted: str = "interrupted") -> int:
    """Do ``work`` and return the exit code of the program; its errors have been printed.

    ``work`` returns its own exit code, None meaning 0. ``interrupted`` is printed after Ctrl-C.
    """
    ctrl_c.raise_lost_interrupts()
    try:
        return work() or 0
    except StackError as error:
        if isinstance(error, session.StartFailed):
            messages.say(failure.failure(error.events, error.run))
        messages.print_error(error)
        return error.code
    except KeyboardInterrupt:
        ctrl_c.ignore(last=True)
        messages.say(interrupted)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` perhaps, has ended
        sys.stderr.close()
        return 0
