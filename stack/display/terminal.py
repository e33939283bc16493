"""A person's terminal: whether there is one, its colours, and what must never reach it."""

from __future__ import annotations

import os
import re
from typing import TextIO


def first_line(text: str) -> str:
    """What a line of many has room for; the whole is told once, at the end."""
    return text.splitlines()[0] if text else ""


_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


def plain(text: str) -> str:
    """Return ``text`` without control codes: a log never moves the reader's cursor."""
    return _CONTROL.sub("", text)


def is_terminal(stream: TextIO) -> bool:
    """Return whether a person watches, who likes lines that move."""
    return stream.isatty() and "CI" not in os.environ and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Return ``text`` in a colour (an SGR number) where the stream shows colours."""
    return (
        f"\x1b[{colour}m{text}\x1b[0m"
        if colour and is_terminal(stream) and "NO_COLOR" not in os.environ
        else text
    )
