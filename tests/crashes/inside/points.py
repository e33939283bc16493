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
"""The environment variable with the path of a file: one line for every fault that happened."""


class NoSuchPlace(LookupError):
    """The shop's code has no such name any more: update the table in `crashes.steps`."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault to inject: ``kill`` or ``pause=SECONDS`` at the ``nth`` call of a place, 0 for every call."""

    action: str
    when: str
    place: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.action} {self.when} {self.place} {self.nth}"

    @classmethod
    def read(cls, text: str) -> Fault:
        """Parse the text that `str` writes."""
        action, when, place, nth = text.split()
        return cls(action=action, when=when, place=place, nth=int(nth))


class _Thread(threading.local):
    fault: Fault | None = None
    calls = 0


_thread = _Thread()


def arm(text: str) -> None:
    """Set the fault of this thread; none where the text is empty."""
    _thread.fault, _thread.calls = Fault.read(text) if text else None, 0


def watch(places: Iterable[str]) -> None:
    """Wrap the function at every place, so that faults can happen there.

    Raises:
        NoSuchPlace: the shop's code has changed.
    """
    targets = [
        (place, *_find(place)) for place in places
    ]  # all modules are loaded before any name is replaced
    for place, owner, name in targets:
        setattr(owner, name, _watched(place, getattr(owner, name)))


def mute(place: str) -> None:
    """Replace a job of the worker by one that does nothing. Raises: NoSuchPlace."""
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
        fault = _thread.fault
        if fault is None or fault.place != place:
            return real(*args, **named)
        _thread.calls += 1
        due = fault.nth in {0, _thread.calls}
        if due and fault.when == "before":
            _happen(fault)
        answer = real(*args, **named)
        if due and fault.when == "after":
            _happen(fault)
        return answer

    return call


def _happen(fault: Fault) -> None:
    descriptor = os.open(os.environ[NOTES], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{fault}\n".encode())
    os.close(descriptor)
    if fault.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(fault.action.partition("=")[2]))
