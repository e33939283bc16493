"""What must agree at the end: the shop's database, the provider's books, and the shop's own audit."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from crashes.helper import Helper
from crashes.processes import until

SETTLED_WITHIN_S = 60.0
"""The worker asks the provider again after 3 seconds."""
PLENTY = 100_000
"""Units on hand of a product that a test sells."""


@dataclass(frozen=True, kw_only=True)
class World:
    """References that the provider charged and refunded: from the sandbox's rows and from the ledger."""

    charged: frozenset[str]
    refunded: frozenset[str]

    @property
    def retained(self) -> frozenset[str]:
        """Return the references that were charged and not refunded."""
        return self.charged - self.refunded


@dataclass(frozen=True, kw_only=True)
class Books:
    """Queries of the shop's database, on a connection of their own, and of the ledger."""

    database: Connection
    ledger: Path
    helper: Helper

    @classmethod
    @contextmanager
    def open(cls, url: str, ledger: Path, helper: Helper) -> Iterator[Books]:
        with closing(psycopg2.connect(url)) as database:
            database.autocommit = True
            yield cls(database=database, ledger=ledger, helper=helper)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute a statement; return its rows, if it has any."""
        with self.database.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def world(self) -> World:
        """Return what the provider did.

        Raises:
            AssertionError: it was asked while a transaction was open, whose rollback would forget the charge.
        """
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        calls = [json.loads(line) for line in lines]
        inside = [call for call in calls if call["in_transaction"]]
        assert not inside, f"the provider was asked within a transaction: {inside[:3]}"
        rows = self.rows("SELECT reference, refunded FROM payments_sandboxcharge WHERE outcome = 'succeeded'")
        moved = {c["reference"] for c in calls if c["call"] == "charge" and c["outcome"] != "declined"}
        back = {c["reference"] for c in calls if c["call"] == "refund"}
        return World(
            charged=frozenset(moved | {reference for reference, _ in rows}),
            refunded=frozenset(back | {reference for reference, refunded in rows if refunded}),
        )

    def open_payments(self) -> list[tuple[Any, ...]]:
        """Return the payments that are not final."""
        return self.rows(
            "SELECT reference, state, reason FROM payments_payment"
            " WHERE state IN ('pending', 'refunding') OR (state = 'started' AND reference IN"
            " (SELECT reference FROM payments_sandboxcharge))"
        )

    def settle(self) -> None:
        """Wait until the worker has settled every payment that crashes left open."""
        until(lambda: not self.open_payments(), "all payments are settled", within_s=SETTLED_WITHIN_S)

    def agree(self, *, settled: bool = True) -> None:
        """Check that database, provider and ledger agree. ``settled``: no payment is open.

        Raises:
            AssertionError: they do not agree.
        """
        self.helper.ask("check")
        world = self.world()
        known = dict(self.rows("SELECT reference, order_id FROM payments_payment"))
        strays = world.charged - known.keys()
        assert not strays, f"charged, but the shop knows of no such payment: {strays}"
        paid = {
            key for (key,) in self.rows("SELECT id FROM orders_order WHERE state IN ('paid', 'fulfilled')")
        }
        money = [known[reference] for reference in sorted(world.retained)]
        doubled = sorted({order for order in money if money.count(order) > 1})
        assert not doubled, f"orders that were charged twice: {doubled}"
        assert paid <= set(money), f"orders that are paid without a charge: {paid - set(money)}"
        if settled:
            assert set(money) <= paid, f"charges of orders that are not paid: {set(money) - paid}"

    def add_product(self, units: int = PLENTY) -> str:
        """Create a product that no other test sells; return its SKU."""
        sku = f"crash-{secrets.token_hex(6)}"
        self.helper.ask("add_product", sku=sku, units=units)
        return sku

    def charges(self, number: str) -> int:
        """Return how often an order was charged, refunded or not."""
        rows = self.rows(
            "SELECT reference FROM payments_payment p JOIN orders_order o ON o.id = p.order_id"
            " WHERE o.number = %s",
            number,
        )
        return len({reference for (reference,) in rows} & self.world().charged)

    def state(self, number: str) -> str:
        """Return an order's state."""
        ((state,),) = self.rows("SELECT state FROM orders_order WHERE number = %s", number)
        return str(state)

    def stock(self, sku: str) -> tuple[int, int]:
        """Return units on hand and units reserved."""
        ((on_hand, reserved),) = self.rows(
            "SELECT on_hand, reserved FROM catalog_stockitem WHERE code = %s", sku
        )
        return on_hand, reserved

    def events(self, number: str) -> list[str]:
        """Return the types of an order's events, in the order in which they were written."""
        rows = self.rows(
            "SELECT type FROM events_outboxevent WHERE aggregate = %s ORDER BY id", f"order:{number}"
        )
        return [type for (type,) in rows]
