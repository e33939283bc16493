"""A round of work over many things, of which one may be beyond help."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import InterfaceError, OperationalError

T = TypeVar("T")


def each(act: Callable[[T], int], things: Iterable[T]) -> int:
    """Answers the sum of what `act` answers; a thing that fails keeps no other from its turn.

    Raises: the first failure once all had their turn; at once where the database itself is gone.
    """
    done, failures = 0, []
    for thing in things:
        try:
            done += act(thing)
        except (OperationalError, InterfaceError):
            raise
        except Exception as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
    return done
