"""Whichever query of an operation is lost, the caller reads 503 and when to come back, never 500."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from tests.lost_queries import LostAt
from tests.shop import Person, variant_make

READS = (
    "/products",
    "/products?sort=-price&category=books",
    "/products?search=a",
    "/products/thing-a",
    "/facets",
    "/categories",
    "/accounts/me",
    "/cart",
    "/orders",
    "/orders/{number}",
)


def responses_to_lost_queries(person: Person, method: str, path: str, body: Any = None) -> list[HttpResponse]:
    """Return the responses to one request, with its first query lost, then its second, and so on."""
    responses = []
    for passing in range(100):
        lost = LostAt(passing)
        with connection.execute_wrapper(lost):
            response = person.send(method, path, body, Idempotency_Key=f"{path}-{passing}")
        if not lost.has_failed:
            return responses
        responses.append(response)
    raise AssertionError(f"{method} {path} makes a hundred queries or more")


@pytest.fixture
def customer() -> Person:
    """A customer with a cart."""
    variant_make("A")
    person = Person()
    person.register()
    return person


@pytest.fixture
def number(customer: Person) -> str:
    """Return the number of the customer's order; something is in the cart again."""
    order = customer.order("A")
    customer.put_in_cart("A")
    return order


@pytest.mark.django_db
@pytest.mark.parametrize("path", READS)
def test_a_read_whose_query_is_lost_is_answered_with_503(customer: Person, number: str, path: str) -> None:
    responses = responses_to_lost_queries(customer, "GET", path.format(number=number))
    assert responses
    for response in responses:
        assert (response.status_code, response.headers.get("Retry-After")) == (503, "1"), response.content


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/cart/lines", {"sku": "A", "quantity": 1}),
        ("PUT", "/cart/lines/A", {"quantity": 2}),
        ("POST", "/checkout", {"email": "a@example.com"}),
        ("POST", "/orders/{number}/payments", {"card": "4242424242424242"}),
        ("POST", "/orders/{number}/cancel", None),
        ("DELETE", "/cart/lines/A", None),
        ("POST", "/accounts/register", {"email": "bob@example.com", "password": "correct horse 9"}),
        (
            "POST",
            "/accounts/password",
            {"current_password": "correct horse 9", "new_password": "good mare 9"},
        ),
        ("POST", "/accounts/logout", None),
        ("POST", "/accounts/login", {"email": "ann@example.com", "password": "correct horse 9"}),
    ],
)
def test_a_write_whose_query_is_lost_is_answered_with_503(
    customer: Person, number: str, method: str, path: str, body: Any
) -> None:
    responses = responses_to_lost_queries(customer, method, path.format(number=number), body)
    assert responses
    for response in responses:
        assert (response.status_code, response.headers.get("Retry-After")) == (503, "1"), response.content
