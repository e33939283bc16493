"""Change of stock. Rows are always touched in the order of their keys, so that no two orders deadlock.

Every function takes the units of each stock item and must run inside a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

from catalog.cache import invalidate_stock
from catalog.models import StockAdjustment, StockItem
from core.problems import Conflict, Unprocessable

MAXIMUM_UNITS = 1_000_000_000
"""A stock item holds no more: far from what a column of four bytes can hold."""


class OutOfStock(Conflict):
    """Fewer units are available than requested."""

    kind = "out-of-stock"

    def __init__(self, item_id: int) -> None:
        super().__init__("Not enough units are available.")
        self.item_id = item_id


def stock_reserve(*, units: Mapping[int, int]) -> None:
    """Reserve units for an order. Raises: OutOfStock; the caller's rollback then undoes all of it."""
    invalidate_stock(units)
    for item_id, wanted in sorted(units.items()):
        free = StockItem.objects.filter(pk=item_id, on_hand__gte=F("reserved") + wanted)
        if not free.update(reserved=F("reserved") + wanted):
            raise OutOfStock(item_id)


def stock_release(*, units: Mapping[int, int]) -> None:
    """Release reserved units."""
    invalidate_stock(units)
    for item_id, reserved in sorted(units.items()):
        StockItem.objects.filter(pk=item_id).update(reserved=F("reserved") - reserved)


def stock_sell(*, units: Mapping[int, int]) -> None:
    """Turn reserved units into sold units: as many are available as before, and what is cached stays true."""
    for item_id, sold in sorted(units.items()):
        StockItem.objects.filter(pk=item_id).update(
            reserved=F("reserved") - sold, on_hand=F("on_hand") - sold
        )


def stock_return(*, units: Mapping[int, int]) -> None:
    """Return sold units to stock."""
    invalidate_stock(units)
    for item_id, returned in sorted(units.items()):
        StockItem.objects.filter(pk=item_id).update(on_hand=F("on_hand") + returned)


@transaction.atomic
def stock_adjust(*, item: StockItem, change: int, reason: str, made_by: str) -> StockAdjustment:
    """Change `on_hand` by hand and record why. Raises: Unprocessable below the reserved units."""
    if change == 0 or not reason.strip():
        raise Unprocessable("An adjustment needs a number of units and a reason.")
    if abs(change) > MAXIMUM_UNITS:
        raise Unprocessable(f"Stock changes by at most {MAXIMUM_UNITS} units.")
    possible = StockItem.objects.filter(
        pk=item.pk, on_hand__gte=F("reserved") - change, on_hand__lte=MAXIMUM_UNITS - max(change, 0)
    )
    if change < 0:
        possible = possible.filter(on_hand__gte=-change)
    if not possible.update(on_hand=F("on_hand") + change):
        raise Unprocessable("Fewer units would be left than are reserved for orders, or too many.")
    invalidate_stock([item.pk])
    return StockAdjustment.objects.create(
        stock_item=item, change=change, reason=reason.strip(), made_by=made_by
    )
