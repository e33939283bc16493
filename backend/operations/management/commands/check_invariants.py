"""`manage.py check_invariants`: check that nothing was oversold, lost or charged twice."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from operations.invariants import INVARIANTS, Invariant

SHOWN = 5


class Command(BaseCommand):
    """Check every invariant on one consistent view of the database."""

    help = "Check that stock, orders and payments agree with each other; exit 1 where they do not."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each invariant with its verdict. Raises: CommandError when one is broken."""
        is_alone = not connection.in_atomic_block  # the tests' own transaction has its isolation already
        with transaction.atomic():
            if connection.vendor == "postgresql" and is_alone:
                # A buyer who buys between two of these queries would look like a violation.
                connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            broken = [one for one in INVARIANTS if not self._holds(one)]
        if broken:
            raise CommandError(f"{len(broken)} of {len(INVARIANTS)} invariants are broken.")

    def _holds(self, invariant: Invariant) -> bool:
        rows = list(islice(invariant.violations(), SHOWN))
        self.stdout.write(f"{'BROKEN' if rows else 'ok    '} {invariant.sentence}")
        for row in rows:
            self.stdout.write(f"         {type(row).__name__} {row}")
        return not rows
