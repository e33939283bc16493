"""One round of work over many rows, some of which may fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from core.models import Retried
from core.unavailable import is_timeout

BATCH = 200
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1, 600
Row = TypeVar("Row", bound=Retried)


def run_due(act: Callable[[Row], int], rows: QuerySet[Row], *, now: datetime | None = None) -> int:
    """Call `act` for the rows whose next attempt is due, longest due first; return the sum of its results.

    A row that fails, or for which nothing could be done, has to wait, twice as long each time: it neither
    stops the others nor takes their place in the batch. A row that somebody holds is left for a later round.
    Raises: the first failure after the last row; at once where the database itself does not answer.
    """
    now = now or timezone.now()
    done, failures = 0, []
    for row in _due_rows(rows, now):
        result = 0
        try:
            result = act(row)
        except Exception as failure:
            if isinstance(failure, OperationalError | InterfaceError) and not is_timeout(failure):
                raise
            failures.append(failure)
        if not result:
            postpone(row, now)
        done += result
    if failures:
        raise failures[0]
    return done


def _due_rows(rows: QuerySet[Row], now: datetime) -> list[Row]:
    free = rows.select_for_update(skip_locked=True, no_key=True)
    with transaction.atomic():
        return list(free.filter(is_due(now)).order_by("next_attempt_at", "id")[:BATCH])


def is_due(now: datetime) -> Q:
    """Return the condition of rows whose next attempt is due.

    No row waits before its first attempt, nor longer than LONGEST_PAUSE_S: one that seems to was written
    before the clock was set back.
    """
    impossible = Q(attempts=0) | Q(next_attempt_at__gt=now + timedelta(seconds=LONGEST_PAUSE_S))
    return Q(next_attempt_at__lte=now) | impossible


def postpone(row: Retried, now: datetime) -> None:
    """Let a row wait for its next attempt, twice as long as last time."""
    pause_s = min(FIRST_PAUSE_S * 2 ** min(row.attempts, 16), LONGEST_PAUSE_S)
    rows = type(row)._default_manager.filter(pk=row.pk)
    rows.update(attempts=min(row.attempts + 1, 1000), next_attempt_at=now + timedelta(seconds=pause_s))
