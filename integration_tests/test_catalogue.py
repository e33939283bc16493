"""The catalogue: database -> backend -> gateway, and the same on both."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from shop import Service, documents

QUESTIONS = [
    "",
    "?limit=1",
    "?limit=100&sort=name",
    "?sort=-price&in_stock=true",
    "?price_min=10&price_max=20&sort=price",
    "?search=lamp",
    "?search=caf%C3%A9%20%26%20more",
]


def pages(service: Service, query: str) -> Iterator[list[dict[str, Any]]]:
    """Return page after page, as a client that follows `next`."""
    for document in documents(service, f"/api/v1/products?{query}"):
        yield document["items"]


@pytest.mark.parametrize("query", QUESTIONS)
def test_products_are_the_same_through_the_gateway(backend: Service, gateway: Service, query: str) -> None:
    direct, through = backend.get(f"/api/v1/products{query}"), gateway.get(f"/api/v1/products{query}")
    assert direct.status_code == through.status_code == 200
    assert through.json() == direct.json()
    assert through.headers["Content-Type"] == direct.headers["Content-Type"]


def test_every_page_is_the_same_through_the_gateway(backend: Service, gateway: Service) -> None:
    direct, through = (list(pages(s, "limit=100&sort=name")) for s in (backend, gateway))
    assert through == direct
    slugs = [item["slug"] for page in through for item in page]
    assert slugs
    assert len(slugs) == len(set(slugs)) == backend.get("/api/v1/facets").json()["total"]


def test_a_product_is_the_same_through_the_gateway(
    backend: Service, gateway: Service, rng: random.Random
) -> None:
    listed = backend.get("/api/v1/products?limit=100").json()["items"]
    for item in rng.sample(listed, min(5, len(listed))):
        direct, through = (s.get(f"/api/v1/products/{item['slug']}") for s in (backend, gateway))
        assert direct.status_code == through.status_code == 200
        assert through.json() == direct.json()
        assert {name: through.json()[name] for name in ("slug", "name", "price")} == {
            name: item[name] for name in ("slug", "name", "price")
        }


def test_categories_are_the_same_through_the_gateway(backend: Service, gateway: Service) -> None:
    direct, through = backend.get("/api/v1/categories"), gateway.get("/api/v1/categories")
    assert through.json() == direct.json()
    assert through.json()["items"]


def test_prices_are_exact_and_sorted(gateway: Service) -> None:
    items = gateway.get("/api/v1/products?sort=price&limit=50").json()["items"]
    amounts = [Decimal(item["price"]["amount"]) for item in items]
    assert amounts == sorted(amounts)
    assert all(amount.as_tuple().exponent == -2 for amount in amounts)
    assert {len(item["price"]["currency"]) for item in items} == {3}


def test_a_category_filter_holds_for_every_product(gateway: Service, rng: random.Random) -> None:
    items = gateway.get("/api/v1/products?limit=100").json()["items"]
    wanted = rng.choice(items)["category"]["slug"]
    categories = {
        c["slug"]: c["path"].strip("/").split("/") for c in gateway.get("/api/v1/categories").json()["items"]
    }
    found = gateway.get(f"/api/v1/products?category={wanted}&limit=100").json()["items"]
    assert found
    assert all(wanted in categories[item["category"]["slug"]] for item in found)


def test_the_description_is_the_same_through_the_gateway(backend: Service, gateway: Service) -> None:
    direct, through = backend.get("/api/v1/openapi.json"), gateway.get("/api/v1/openapi.json")
    assert through.json() == direct.json()
    assert "/api/v1/products" in through.json()["paths"]
