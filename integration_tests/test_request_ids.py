"""The id of a request, from the client to the backend and back."""

from __future__ import annotations

import random

import pytest

from shop import Service, problem


def test_an_id_is_kept_by_each_service(either: Service, rng: random.Random) -> None:
    identity = f"test-{rng.randrange(10**12)}"
    response = either.get("/api/v1/products?limit=1", headers={"X-Request-ID": identity})
    assert response.headers["X-Request-ID"] == identity


def test_an_id_reaches_the_backend_through_the_gateway(gateway: Service, rng: random.Random) -> None:
    """The document is the backend's, so the id in it is the one that arrived there."""
    identity = f"test-{rng.randrange(10**12)}"
    response = gateway.get("/api/v1/products/there-is-no-such-thing", headers={"X-Request-ID": identity})
    assert problem(response)["request_id"] == identity


def test_an_id_that_was_made_by_the_gateway_reaches_the_backend(gateway: Service) -> None:
    response = gateway.get("/api/v1/products/there-is-no-such-thing")
    assert len(problem(response)["request_id"]) == 32


def test_every_request_gets_an_id_of_its_own(either: Service) -> None:
    ids = {either.get("/api/v1/products?limit=1").headers["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("bad", ["with space", "<script>", "x" * 129])
def test_an_id_that_cannot_be_trusted_is_replaced(either: Service, bad: str) -> None:
    made = either.get("/api/v1/products?limit=1", headers={"X-Request-ID": bad}).headers["X-Request-ID"]
    assert len(made) == 32
    assert made.isalnum()
