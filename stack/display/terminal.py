"""A person's terminal: whether there is one, its colours, and the control codes that must not reach it."""

from __future__ import annotations

import os
import re
from typing import TextIO

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that reorder the text around them (https://www.unicode.org/reports/tr9/)."""

_STATE_STYLES = {"ready": "green", "completed": "green", "ok": "green", "building": "cyan"}
_STATE_STYLES |= dict.fromkeys(("starting", "restarting", "warning"), "yellow")
_STATE_STYLES |= dict.fromkeys(("waiting", "stopped"), "dim")
_STATE_STYLES |= dict.fromkeys(("error", "wrong", "refused", "hang", "no end"), "red")


def first_line(text: str) -> str:
    """Return the first line of ``text``."""
    return text.splitlines()[0] if text else ""


def plain(text: str) -> str:
    """Return ``text`` without control codes: a log never moves the reader's cursor.

    What would turn the direction of the text is shown as its number.
    """
    if text.isprintable():
        return text
    return _DIRECTION.sub(lambda match: f"\\u{ord(match[0]):04x}", _CONTROL.sub("", text))


def is_terminal(stream: TextIO) -> bool:
    """Return whether ``stream`` is a terminal that a person watches, neither a CI job's nor a dumb one."""
    return stream.isatty() and "CI" not in os.environ and os.environ.get("TERM") != "dumb"


def state_style(state: str) -> str:
    """Return the style (https://rich.readthedocs.io/en/stable/style.html) in which a state is shown."""
    from stack.health.verdicts import BAD

    return "red" if state in BAD else _STATE_STYLES.get(state, "")


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Return ``text`` in a colour (an SGR number, ECMA-48) where the stream shows colours."""
    return (
        f"\x1b[{colour}m{text}\x1b[0m"
        if colour and is_terminal(stream) and "NO_COLOR" not in os.environ
        else text
    )
