"""A helper process in the shop's environment: one line of JSON for a question, one for its answer.

One process for all questions: a new one for each `check_invariants` would load Django a hundred times.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import time
from collections.abc import Callable
from typing import Any


def check() -> str:
    """Return the output of `manage.py check_invariants`. Raises: CommandError, with that output."""
    management = importlib.import_module("django.core.management")
    output = io.StringIO()
    try:
        management.call_command("check_invariants", stdout=output)
    except management.CommandError as error:
        raise management.CommandError(f"{error}\n{output.getvalue()}") from error
    return output.getvalue()


def add_product(sku: str, units: int) -> None:
    """Create a product with stock."""
    catalog = importlib.import_module("catalog.models")
    category, _ = catalog.Category.objects.get_or_create(slug="crashes", defaults={"name": "Crashes"})
    money = {"price": "10.00"}
    product = catalog.Product.objects.create(
        category=category, name=sku, slug=sku, state=catalog.Product.State.PUBLISHED, currency="EUR", **money
    )
    pile = catalog.StockItem.objects.create(code=sku, initial=units, on_hand=units)
    catalog.Variant.objects.create(product=product, stock_item=pile, sku=sku, **money)


def stream() -> list[tuple[str, str]]:
    """Return the `event_id` and the aggregate of every entry of the event stream, in order."""
    client = importlib.import_module("core.redis_client").redis_client(timeout_s=10.0)
    settings = importlib.import_module("django.conf").settings
    return [
        (fields[b"event_id"].decode(), fields[b"aggregate"].decode())
        for _, fields in client.xrange(settings.EVENT_STREAM)
    ]


WORK: dict[str, Callable[..., Any]] = {
    "check": check,
    "add_product": add_product,
    "stream": stream,
    "now": time.time,
}


def main() -> None:
    """Serve questions until standard input ends."""
    importlib.import_module("django").setup()
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = {"answer": WORK[name](**arguments)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
