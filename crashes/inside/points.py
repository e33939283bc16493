"""Places in the shop's own code at which a process dies or pauses, with no line of that code changed.

A place is ``MODULE:NAME[.NAME...]``, before or after whose call something happens: ``kill before
catalog.stock:stock_reserve 1`` at the first call, ``pause=0.2 after payments.services:_start_payment 1``.
Only the standard library is needed here: both the shop's processes and the tests read this.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

NOTES = "CRASH_NOTES"
"""Names the file to which every place that was reached is written, one line each."""


class NoSuchPlace(LookupError):
    """The shop's code has no such name any more: the table in `crashes.steps` has to follow it."""


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What happens where: ``action`` is ``kill`` or ``pause=SECONDS``; ``nth`` is 1 or more, or 0 for all."""

    action: str
    when: str
    place: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.action} {self.when} {self.place} {self.nth}"

    @classmethod
    def read(cls, text: str) -> Fate:
        """Answer what `str` has written."""
        action, when, place, nth = text.split()
        return cls(action=action, when=when, place=place, nth=int(nth))


class _Thread(threading.local):
    fate: Fate | None = None
    calls = 0


_thread = _Thread()


def arm(text: str) -> None:
    """Settle what shall happen to this thread; nothing where the text is empty."""
    _thread.fate, _thread.calls = Fate.read(text) if text else None, 0


def watch(places: Iterable[str]) -> None:
    """Put an eye on every place.

    Raises:
        NoSuchPlace: the shop's code has changed.
    """
    found = [(place, *_find(place)) for place in places]  # all modules are loaded before any name is replaced
    for place, owner, name in found:
        setattr(owner, name, _watched(place, getattr(owner, name)))


def mute(place: str) -> None:
    """Let a job of the worker do nothing. Raises: NoSuchPlace."""
    owner, name = _find(place)
    setattr(owner, name, lambda: 0)


def _find(place: str) -> tuple[Any, str]:
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    try:
        owner = functools.reduce(getattr, owners, importlib.import_module(module))
        getattr(owner, name)
    except (ImportError, AttributeError) as error:
        raise NoSuchPlace(f"{place} is not in the shop any more: {error}") from error
    return owner, name


def _watched(place: str, real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def call(*args: Any, **named: Any) -> Any:
        fate = _thread.fate
        if fate is None or fate.place != place:
            return real(*args, **named)
        _thread.calls += 1
        due = fate.nth in {0, _thread.calls}
        if due and fate.when == "before":
            _happen(fate)
        answer = real(*args, **named)
        if due and fate.when == "after":
            _happen(fate)
        return answer

    return call


def _happen(fate: Fate) -> None:
    descriptor = os.open(os.environ[NOTES], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{fate}\n".encode())
    os.close(descriptor)
    if fate.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(fate.action.partition("=")[2]))
