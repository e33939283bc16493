"""Changes of stock. Rows are always touched in the order of their keys, so that no two orders deadlock.

Every function takes the units wanted of each stock item and must run inside a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

from catalog.cache import stock_changed
from catalog.models import StockAdjustment, StockItem
from core.problems import Conflict, Unprocessable


class OutOfStock(Conflict):
    """There are fewer units than wanted."""

    kind = "out-of-stock"

    def __init__(self, item_id: int) -> None:
        super().__init__("Not enough of this is left.")
        self.item_id = item_id


def stock_reserve(*, units: Mapping[int, int]) -> None:
    """Promises units to an order. Raises: OutOfStock, and then nothing is promised once rolled back."""
    stock_changed(units)
    for item_id, wanted in sorted(units.items()):
        free = StockItem.objects.filter(pk=item_id, on_hand__gte=F("reserved") + wanted)
        if not free.update(reserved=F("reserved") + wanted):
            raise OutOfStock(item_id)


def stock_release(*, units: Mapping[int, int]) -> None:
    """Takes a promise back."""
    stock_changed(units)
    for item_id, promised in sorted(units.items()):
        StockItem.objects.filter(pk=item_id).update(reserved=F("reserved") - promised)


def stock_sell(*, units: Mapping[int, int]) -> None:
    """Turns a promise into a sale."""
    stock_changed(units)
    for item_id, sold in sorted(units.items()):
        StockItem.objects.filter(pk=item_id).update(
            reserved=F("reserved") - sold, on_hand=F("on_hand") - sold
        )


def stock_return(*, units: Mapping[int, int]) -> None:
    """Puts sold units back on the shelf."""
    stock_changed(units)
    for item_id, back in sorted(units.items()):
        StockItem.objects.filter(pk=item_id).update(on_hand=F("on_hand") + back)


@transaction.atomic
def stock_adjust(*, item: StockItem, change: int, reason: str, made_by: str) -> StockAdjustment:
    """Changes `on_hand` by hand and records why. Raises: Unprocessable where promised units would miss."""
    if change == 0 or not reason.strip():
        raise Unprocessable("An adjustment changes something, and says why.")
    possible = StockItem.objects.filter(pk=item.pk, on_hand__gte=F("reserved") - change)
    if change < 0:
        possible = possible.filter(on_hand__gte=-change)
    if not possible.update(on_hand=F("on_hand") + change):
        raise Unprocessable("Fewer units would be left than are promised to orders.")
    stock_changed([item.pk])
    return StockAdjustment.objects.create(
        stock_item=item, change=change, reason=reason.strip(), made_by=made_by
    )
