"""Checkout in a small and in a large shop, turn by turn in one run: it should not notice the difference.

Two local stacks side by side. Usage: python benchmarks/shop_checkout.py [TURNS [PRODUCTS]]
"""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from shop_tools import ROOT  # noqa: F401 - puts the project on the path

from stack.commands import exec
from stack.control import session
from stack.control.choice import Choice
from stack.records.state import StackState

GOAL = 1.3
SMALL, LARGE = 1_000, 100_000
WARM_UP = 20


class Shop:
    """One shop, bought from by one customer after another over a kept connection."""

    def __init__(self, kept: StackState) -> None:
        where = urlsplit(kept.endpoints["BACKEND_URL"])
        self.link = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        self.skus = list(self._in_stock())
        self.sold = 0

    def checkout_s(self) -> float:
        """Return how long one checkout of one line takes; filling the cart is not counted."""
        sku = self.skus[self.sold % len(self.skus)]
        self.sold += 1
        token = self._send("POST", "/cart/lines", {"sku": sku, "quantity": 1})["token"]
        headers = {"X-Cart-Token": token, "Idempotency-Key": f"benchmark-{self.sold}"}
        began = time.perf_counter()
        self._send("POST", "/checkout", {"email": "a@example.com"}, headers)
        return time.perf_counter() - began

    def _in_stock(self) -> list[str]:
        """Return some SKUs with so many units that a benchmark does not buy them all."""
        items = self._send("GET", "/products?in_stock=true&limit=100")["items"]
        found = []
        for item in items:
            variants = self._send("GET", f"/products/{item['slug']}")["variants"]
            found += [variant["sku"] for variant in variants if variant["available"] >= 100]
        return found

    def _send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        sent = {"Content-Type": "application/json", **(headers or {})}
        self.link.request(method, f"/api/v1{path}", json.dumps(body) if body else None, sent)
        response = self.link.getresponse()
        text = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {text[:300]!r}")
        return json.loads(text)


def seed(kept: StackState, products: int) -> None:
    began = time.perf_counter()
    command = f"python manage.py seed --products {products}"
    if exec.run(Choice(kind=kept.name), "backend", command) != 0:
        raise SystemExit("the seed failed")
    print(f"{products} products in {time.perf_counter() - began:.1f} s")


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    large = int(sys.argv[2]) if len(sys.argv) > 2 else LARGE
    choice = Choice(kind="local", engine="local")
    with session.ephemeral_stack(choice) as one, session.ephemeral_stack(choice) as other:
        seed(one, SMALL)
        seed(other, large)
        shops = [Shop(one), Shop(other)]
        for shop in shops * WARM_UP:
            shop.checkout_s()
        pairs = [[shop.checkout_s() for shop in shops] for _ in range(turns)]
    low, high = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"checkout with {SMALL} products {low * 1000:.1f} ms, with {large} {high * 1000:.1f} ms")
    print(f"ratio {high / low:.2f} (goal {GOAL})")


if __name__ == "__main__":
    main()
