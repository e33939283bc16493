"""Buyers for tests: what a person does, in the words of the API."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.test import Client

from catalog.models import Category, Product, StockItem, Variant

GOOD, DECLINED, SILENT, LATE, TWICE = (
    "4242424242424242",
    "4000000000000002",
    "4000000000000119",
    "4000000000000259",
    "4000000000000341",
)
_keys = itertools.count(1)


def variant_make(
    sku: str, *, units: int = 10, price: str = "10.00", stock: StockItem | None = None
) -> Variant:
    """Return a published variant with its own stock, or with that of another variant."""
    category, _ = Category.objects.get_or_create(slug="things", defaults={"name": "Things"})
    product = Product.objects.create(
        category=category,
        name=f"Thing {sku}",
        slug=f"thing-{sku}".lower(),
        state=Product.State.PUBLISHED,
        price=Decimal(price),
        currency="EUR",
    )
    stock = stock or StockItem.objects.create(code=sku, initial=units, on_hand=units)
    return Variant.objects.create(product=product, stock_item=stock, sku=sku, price=Decimal(price))


@dataclass
class Person:
    """A visitor with a browser: remembers the cart's token and, once logged in, the bearer token."""

    client: Client = field(default_factory=Client)
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: Any = None, **headers: str):
        """Return the response to one JSON request."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = b"" if body is None else json.dumps(body).encode()
        return self.client.generic(method, f"/api/v1{path}", data, "application/json", headers=sent)

    def put_in_cart(self, sku: str, quantity: int = 1):
        """Add to the cart and keep its token."""
        response = self.send("POST", "/cart/lines", {"sku": sku, "quantity": quantity})
        if response.status_code == 201 and response.json()["token"]:
            self.headers["X-Cart-Token"] = response.json()["token"]
        return response

    def check_out(self, *, key: str = "", email: str = "a@example.com"):
        """Order what is in the cart."""
        return self.send("POST", "/checkout", {"email": email}, Idempotency_Key=key or f"key-{next(_keys)}")

    def order(self, sku: str, quantity: int = 1) -> str:
        """Return the number of a fresh order."""
        self.put_in_cart(sku, quantity)
        response = self.check_out()
        assert response.status_code == 201, response.content
        return response.json()["number"]

    def pay(self, number: str, card: str = GOOD, *, key: str = ""):
        """Pay an order."""
        path = f"/orders/{number}/payments"
        return self.send("POST", path, {"card": card}, Idempotency_Key=key or f"key-{next(_keys)}")

    def state_of(self, number: str) -> str:
        """Return where an order stands."""
        return self.send("GET", f"/orders/{number}").json()["state"]

    def register(self, email: str = "ann@example.com", password: str = "correct horse 9"):
        """Register and log in; return the response to the registration."""
        account = {"email": email, "password": password}
        response = self.send("POST", "/accounts/register", account)
        if response.status_code == 202:
            login = self.send("POST", "/accounts/login", account)
            self.headers = {"Authorization": f"Bearer {login.json()['token']}"}
        return response


def stock_of(sku: str) -> tuple[int, int]:
    """Return on_hand and reserved."""
    item = StockItem.objects.get(variants__sku=sku)
    return item.on_hand, item.reserved
