"""People who buy: what each does is a request, what each remembers is a token."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests

from shop import TIMEOUT_S, Service, documents, trace

GOOD, DECLINED = "4242424242424242", "4000000000000002"
SILENT, LATE, TWICE = "4000000000000119", "4000000000000259", "4000000000000341"
CART_LIMIT = 99
BUYER_TIMEOUT_S = 60.0
"""A crowd queues before one worker: longer than for one question, still a deadline."""
T = TypeVar("T")
R = TypeVar("R")


def key() -> str:
    """Return an idempotency key that was never used, on a dirty stack neither."""
    return f"key-{secrets.token_hex(8)}"


@dataclass(frozen=True, kw_only=True)
class Goods:
    """Something on the shelf: its address, one SKU, and how many units can be had now."""

    slug: str
    sku: str
    available: int


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """A buyer with a browser; ``headers`` tell the shop who it is."""

    service: Service
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Return the response to one JSON request; a name's underscores are the header's hyphens."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        request = {} if body is None else {"json": body}
        return self.service.ask(method, f"/api/v1{path}", headers=sent, timeout=BUYER_TIMEOUT_S, **request)

    def put(self, sku: str, quantity: int = 1) -> requests.Response:
        """Add to the cart, and remember its token."""
        response = self.send("POST", "/cart/lines", {"sku": sku, "quantity": quantity})
        if response.status_code == 201 and response.json()["token"]:
            self.headers["X-Cart-Token"] = response.json()["token"]
        return response

    def check_out(self, key: str, email: str = "buyer@example.com") -> requests.Response:
        """Order what is in the cart."""
        return self.send("POST", "/checkout", {"email": email}, Idempotency_Key=key)

    def pay(self, number: str, key: str, card: str = GOOD) -> requests.Response:
        """Pay an order."""
        return self.send("POST", f"/orders/{number}/payments", {"card": card}, Idempotency_Key=key)

    def order(self, number: str) -> dict[str, Any]:
        """Return an order as it is now."""
        response = self.send("GET", f"/orders/{number}")
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document

    def orders(self) -> list[dict[str, Any]]:
        """Return the buyer's own orders, newest first."""
        items: list[dict[str, Any]] = self.send("GET", "/orders?limit=100").json()["items"]
        return items

    def undo(self) -> None:
        """Cancel or refund all that was ordered: the shelf is as before."""
        if not self.headers:
            return
        for order in self.orders():
            verb = {"pending_payment": "cancel", "paid": "refund"}.get(order["state"])
            if verb:
                response = self.send("POST", f"/orders/{order['number']}/{verb}")
                assert response.status_code == 200, response.text


def ordered(buyer: Buyer, one: Goods, quantity: int = 1) -> str:
    """Return the number of a fresh order."""
    assert buyer.put(one.sku, quantity).status_code == 201
    placed = buyer.check_out(key())
    assert placed.status_code == 201, placed.text
    return str(placed.json()["number"])


@contextmanager
def crowd(url: str, size: int) -> Iterator[list[Buyer]]:
    """Give so many buyers, each on a connection of their own; at the end all they ordered is undone.

    The services record what they do for the first: spans of all would cost more than the test. The requests
    of the others are spans of the tests (``spans.py``).
    """
    buyers = [Buyer(service=Service(url=url, recorded=number == 0)) for number in range(size)]
    for buyer in buyers:
        buyer.service.__enter__()
    try:
        yield buyers
    finally:
        try:
            with trace.quietly():
                together(Buyer.undo, buyers, at_once=8)
        finally:
            for buyer in buyers:
                buyer.service.session.close()


def together(act: Callable[[T], R], those: Sequence[T], *, at_once: int = 0) -> list[R]:
    """Return what came of acting side by side, all of them starting at one moment unless ``at_once``."""
    if at_once:
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(act, those))
    gate = threading.Barrier(len(those))

    def when_all_are_here(one: T) -> R:
        gate.wait(TIMEOUT_S)
        return act(one)

    with ThreadPoolExecutor(len(those)) as pool:
        return list(pool.map(when_all_are_here, those))


def goods(service: Service, *, at_least: int, at_most: int = 10**6, query: str = "") -> Iterable[Goods]:
    """Return products of a single variant with so many units, page after page."""
    for page in documents(service, f"/api/v1/products?limit=100&in_stock=true{query}"):
        for item in page["items"]:
            if at_least <= item["available"] <= at_most and (found := look(service, item["slug"])):
                yield found


def look(service: Service, slug: str) -> Goods | None:
    """Return a product as it is now, None where it comes in several variants."""
    document = service.get(f"/api/v1/products/{slug}").json()
    if len(document["variants"]) != 1:
        return None
    variant = document["variants"][0]
    return Goods(slug=slug, sku=variant["sku"], available=variant["available"])


def some(service: Service, **limits: Any) -> Goods:
    """Return the first goods that fit.

    Raises:
        AssertionError: the shelf has none.
    """
    found = next(iter(goods(service, **limits)), None)
    assert found is not None, f"no goods with {limits} in this stack"
    return found
