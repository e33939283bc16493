"""Show an address: always in the terminal, and in a browser where there is one."""

from __future__ import annotations

import os
import sys
import webbrowser

from stack.display import messages


def show(address: str, *, open_page: bool = True) -> None:
    """Print an address, and open it where that is wanted and a browser with a screen is there."""
    messages.say(address)
    if open_page and has_screen():
        webbrowser.open(address)


def has_screen() -> bool:
    """Return whether a browser can be shown; one that runs in the terminal is not wanted."""
    named = any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
    return named or sys.platform in {"darwin", "win32"}
