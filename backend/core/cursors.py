"""Cursor pages: keyset pagination whose cost does not grow with the page's number."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from core.problems import Problem

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, kw_only=True)
class Order:
    """How a list is sorted: a field and a direction; the key breaks ties in the same direction.

    `parse` makes the field's value of its text in a cursor.
    """

    field: str
    descending: bool = False
    parse: Callable[[Any], Any] = str

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the arguments of `order_by`."""
        sign = "-" if self.descending else ""
        return (f"{sign}{self.field}",) if self.field == "id" else (f"{sign}{self.field}", f"{sign}id")

    def after(self, values: Sequence[Any]) -> Q:
        """Return the condition for the rows that follow one with these values."""
        comparison = "lt" if self.descending else "gt"
        if self.field == "id":
            return Q(**{f"id__{comparison}": values[-1]})
        # The first condition is implied by the others, and is the one that an index can start from.
        reached = Q(**{f"{self.field}__{comparison}e": values[0]})
        beyond = Q(**{f"{self.field}__{comparison}": values[0]}) | Q(**{f"id__{comparison}": values[-1]})
        return reached & beyond


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Row]):
    """Some rows, and the cursor of the rows that follow (None at the end)."""

    items: list[Row]
    next: str | None


class BadCursor(Problem):
    """The cursor was not made by this list with this sort."""

    status, kind = 400, "bad-cursor"


def get_page(rows: QuerySet[Row], *, order: Order, name: str, limit: int, cursor: str | None) -> Page[Row]:
    """Return one page in one query. `name` ties the cursor to its sort. Raises: BadCursor."""
    if cursor:
        rows = rows.filter(order.after(_decode(cursor, order, name)))
    items = list(rows.order_by(*order.columns)[: limit + 1])
    if len(items) <= limit:
        return Page(items=items, next=None)
    last = items[limit - 1]
    return Page(items=items[:limit], next=_encode(name, getattr(last, order.field), last.pk))


def _encode(name: str, value: Any, key: int) -> str:
    text = json.dumps([name, str(value), key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, order: Order, name: str) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        made_for, value, key = json.loads(
            base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        )
        if made_for != name or type(key) is not int or not 0 <= key < 2**63 or not isinstance(value, str):
            raise ValueError("made for another list")
        value.encode()  # a lone surrogate is no text: UnicodeEncodeError is a ValueError
        return [order.parse(value), key]
    except (binascii.Error, UnicodeError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise BadCursor("The cursor does not belong to this list: ask for the first page again.") from error
