"""A question before something is deleted that nothing brings back, where a person is there to answer it."""

from __future__ import annotations

import sys

from stack.display.terminal import is_terminal, plain
from stack.errors import NotConfirmed

CONSENT = frozenset({"y", "yes"})


def require_consent(what: str, *, yes: bool) -> None:
    """Ask on a terminal whether to do ``what``; with ``yes``, and where nobody can answer, it is done.

    Raises:
        NotConfirmed: the answer was another one, or none.
    """
    if yes or not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        return
    try:
        answer = input(f"{plain(what)} [y/N] ")
    except EOFError:
        answer = ""
        sys.stdout.write("\n")
    if answer.strip().lower() not in CONSENT:
        raise NotConfirmed("Nothing was deleted.", hint="`y` deletes; `--yes` asks nothing.")
