"""One round of work over many rows, some of which may fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import InterfaceError, OperationalError

T = TypeVar("T")


def run_all(act: Callable[[T], int], rows: Iterable[T]) -> int:
    """Call `act` for every row and return the sum of its results; a row that fails does not stop the others.

    Raises: the first failure after the last row; at once where the database itself does not answer.
    """
    done, failures = 0, []
    for row in rows:
        try:
            done += act(row)
        except (OperationalError, InterfaceError):
            raise
        except Exception as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
    return done
