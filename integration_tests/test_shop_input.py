"""Bad input: whatever a client sends, the answer is a problem of one shape, and never the shop's fault."""

from __future__ import annotations

from typing import Any

import pytest

from buyers import crowd, key, some
from shop import Service, address, problem

pytestmark = pytest.mark.usefixtures("books_agree")
JSON = {"Content-Type": "application/json"}
LINES = "/api/v1/cart/lines"
CHECKOUT = "/api/v1/checkout"
LOGIN = "/api/v1/accounts/login"
QUESTIONS: dict[str, tuple[str, str, dict[str, Any], set[int]]] = {
    "a negative quantity": ("POST", LINES, {"json": {"sku": "SKU-000001-1", "quantity": -1}}, {422}),
    "a huge number": ("POST", LINES, {"json": {"sku": "SKU-000001-1", "quantity": 10**400}}, {400, 422}),
    "a fraction of a thing": ("POST", LINES, {"json": {"sku": "SKU-000001-1", "quantity": 1.5}}, {422}),
    "a list for a text": ("POST", LINES, {"json": {"sku": ["SKU-000001-1"]}}, {422}),
    "an unknown member": ("POST", LINES, {"json": {"sku": "SKU-000001-1", "price": "0.01"}}, {422}),
    "nothing that is sold": ("POST", LINES, {"json": {"sku": "SKU-999999-9"}}, {404}),
    "no JSON": ("POST", LINES, {"data": b"{", "headers": JSON}, {400}),
    "no UTF-8": ("POST", LINES, {"data": b'{"sku": "\xff"}', "headers": JSON}, {400}),
    "a zero byte": ("POST", LOGIN, {"json": {"email": "a\x00@example.com", "password": "x"}}, {422}),
    "deep nesting": ("POST", LINES, {"data": b"[" * 100_000, "headers": JSON}, {400, 422}),
    "a body without end": ("POST", LOGIN, {"data": b'{"email": "' + b"x" * 2**21, "headers": JSON}, {413}),
    "an unknown query": ("GET", "/api/v1/products?colour=red", {}, {422}),
    "a price that is none": ("GET", "/api/v1/products?price_min=NaN", {}, {422}),
    "a foreign cursor": ("GET", "/api/v1/products?cursor=abc", {}, {400}),
    "an endless path": ("GET", "/api/v1/products/" + "x" * 5000, {}, {414}),
    "an endless header": ("GET", "/api/v1/products", {"headers": {"X-Long": "x" * 9000}}, {400, 431}),
    "a token that is none": ("GET", "/api/v1/orders", {"headers": {"Authorization": "Bearer x"}}, {401}),
    "an unknown method": ("BREW", "/api/v1/products", {}, {405}),
    "an order of another customer": ("GET", "/api/v1/orders/0000000000000000", {}, {404}),
    "an order that cannot be": ("GET", "/api/v1/orders/..%2f..%2fetc", {}, {404, 422}),
    "an unsigned webhook": ("POST", "/api/v1/payments/webhooks/sandbox", {"json": {}}, {401, 422}),
    "a checkout of nothing": (
        "POST",
        CHECKOUT,
        {"json": {}, "headers": {"Idempotency-Key": key()}},
        {400, 404},
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_bad_input_is_a_problem_of_one_shape(backend: Service, question: str) -> None:
    method, path, request, expected = QUESTIONS[question]
    answer = backend.ask(method, path, **request)
    assert answer.status_code in expected, answer.text[:500]
    assert problem(answer)["status"] == answer.status_code
    assert (
        backend.ask("GET", "/health/").status_code == 200
    )  # the kept connection, or one that was closed aloud


@pytest.mark.parametrize("verb", ["cancel", "refund"])
def test_repeated_and_untimely_steps_are_conflicts(backend: Service, verb: str) -> None:
    one = some(backend, at_least=1)
    with crowd(address("BACKEND_URL"), 1) as (buyer,):
        buyer.put(one.sku)
        number = buyer.check_out(key()).json()["number"]
        untimely = buyer.send("POST", f"/orders/{number}/refund")
        assert (untimely.status_code, problem(untimely)["status"]) == (409, 409)
        if verb == "refund":
            assert buyer.pay(number, key()).status_code == 201
        assert buyer.send("POST", f"/orders/{number}/{verb}").status_code == 200
        again = buyer.send("POST", f"/orders/{number}/{verb}")
        assert (again.status_code, problem(again)["status"]) == (409, 409)
        unpaid = buyer.pay(number, key())
        assert (unpaid.status_code, problem(unpaid)["status"]) == (409, 409)
