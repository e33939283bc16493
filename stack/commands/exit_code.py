"""How every program of this project ends: an error is printed as a sentence and becomes an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

from stack.display import messages
from stack.errors import StackError
from stack.system import ctrl_c, directories, disk_space

SIGNALLED = 128
"""Shells report a program that a signal ended as 128 plus the signal's number."""

INTERRUPTED = SIGNALLED + signal.SIGINT


def run(work: Callable[[], int | None], *, interrupted: str = "interrupted") -> int:
    """Do ``work`` and return the exit code of the program; its errors have been printed.

    ``work`` returns its own exit code, None meaning 0, a negative one the signal that ended its program.
    ``interrupted`` is printed after Ctrl-C.
    """
    ctrl_c.raise_lost_interrupts()
    directories.let_accounts_in()
    try:
        code = work() or 0
        return code if code >= 0 else SIGNALLED - code
    except StackError as error:
        return _print(error)
    except KeyboardInterrupt:
        ctrl_c.ignore(last=True)
        messages.say(interrupted)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` perhaps, has ended
        sys.stderr.close()
        return 0
    except OSError as error:
        return _print(_folder_is_gone() or disk_space.as_stack_error(error, run=".stack/runs"))


def _folder_is_gone() -> StackError | None:
    """Return what to say where the folder in which the command was typed was deleted; else None."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return StackError("The folder in which this was typed was deleted.", hint="Change to another one.")
    return None


def _print(error: StackError) -> int:
    """Print an error, after the report of a failed start, and return its exit code."""
    from stack.control import session  # half of what a command imports, and only a failure needs it
    from stack.display import failure

    if isinstance(error, session.StartFailed):
        messages.say(failure.failure(error.events, error.run))
    messages.print_error(error)
    return error.code
