"""A buyer's whole way over HTTP: register, log in, search, cart, checkout, decline, pay, cancel, refund."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from buyers import DECLINED, GOOD, LATE, SILENT, TWICE, Buyer, Goods, crowd, key, look, ordered, some
from patience import worker
from shop import Service, address, problem

pytestmark = pytest.mark.usefixtures("books_agree")
PASSWORD = "correct horse 9"


@pytest.fixture
def shelf(backend: Service) -> Goods:
    """Something of which a few can be bought."""
    return some(backend, at_least=5)


@pytest.fixture
def ann() -> Iterator[Buyer]:
    """Return a new buyer without an account; her open orders are cancelled at the end."""
    with crowd(address("BACKEND_URL"), 1) as (buyer,):
        yield buyer


def register_and_log_in(buyer: Buyer, email: str) -> None:
    """Make an account, and send its token instead of the cart's from now on."""
    account = {"email": email, "password": PASSWORD}
    registered = buyer.send("POST", "/accounts/register", account)
    assert registered.status_code == 202, registered.text
    login = buyer.send("POST", "/accounts/login", account)
    assert login.status_code == 200, login.text
    buyer.headers.clear()
    buyer.headers["Authorization"] = f"Bearer {login.json()['token']}"


@pytest.mark.parametrize("door", ["BACKEND_URL", "GATEWAY_URL"])
def test_a_buyer_goes_the_whole_way(door: str) -> None:
    with crowd(address(door), 1) as (buyer,):
        email = f"{key()}@example.com"
        register_and_log_in(buyer, email)
        assert buyer.send("GET", "/accounts/me").json()["email"] == email
        goods = some(buyer.service, at_least=5, query="&search=lamp&sort=price")

        cart = buyer.put(goods.sku, 2).json()
        assert [(line["sku"], line["quantity"], line["notice"]) for line in cart["lines"]] == [
            (goods.sku, 2, "")
        ]
        placed = buyer.check_out(key(), email=email)
        order = placed.json()
        assert (placed.status_code, order["state"], order["total"]) == (201, "pending_payment", cart["total"])
        assert order["email"] == email
        assert Decimal(order["total"]["amount"]) == 2 * Decimal(order["lines"][0]["unit_price"]["amount"])
        assert buyer.send("GET", "/cart").json()["lines"] == []

        declined = buyer.pay(order["number"], key(), card=DECLINED)
        assert (declined.status_code, problem(declined)["type"]) == (402, "urn:shop:problem:payment-declined")
        paid = buyer.pay(order["number"], key())
        assert (paid.status_code, paid.json()["state"]) == (201, "succeeded")
        late = buyer.send("POST", f"/orders/{order['number']}/cancel")
        assert (late.status_code, problem(late)["status"]) == (409, 409)
        refunded = buyer.send("POST", f"/orders/{order['number']}/refund")
        assert (refunded.status_code, refunded.json()["state"]) == (200, "refunded")
        states = [payment["state"] for payment in buyer.order(order["number"])["payments"]]
        assert sorted(states) == ["declined", "refunded"]

        second = ordered(buyer, goods)
        assert buyer.send("POST", f"/orders/{second}/cancel").json()["state"] == "cancelled"
        assert {one["number"] for one in buyer.orders()} == {order["number"], second}
        assert buyer.send("POST", "/accounts/logout").status_code == 204
        assert buyer.send("GET", "/orders").status_code == 401
        del buyer.headers["Authorization"]


@pytest.mark.parametrize(
    ("verb", "paid"), [("cancel", False), ("refund", True)], ids=["cancelled", "refunded"]
)
def test_an_order_takes_from_the_shelf_and_gives_back(
    backend: Service, ann: Buyer, shelf: Goods, verb: str, paid: bool
) -> None:
    number = ordered(ann, shelf, 3)
    taken = look(backend, shelf.slug)
    assert taken is not None
    assert taken.available == shelf.available - 3
    if paid:
        assert ann.pay(number, key()).status_code == 201
        assert look(backend, shelf.slug) == taken
    assert ann.send("POST", f"/orders/{number}/{verb}").status_code == 200
    assert look(backend, shelf.slug) == shelf


def test_an_anonymous_cart_becomes_the_customers(ann: Buyer, shelf: Goods) -> None:
    ann.put(shelf.sku, 2)
    register_and_log_in(ann, f"{key()}@example.com")
    lines = ann.send("GET", "/cart").json()["lines"]
    assert [(line["sku"], line["quantity"]) for line in lines] == [(shelf.sku, 2)]


def test_a_buyer_cannot_see_or_change_the_order_of_another(ann: Buyer, shelf: Goods) -> None:
    number = ordered(ann, shelf)
    with crowd(ann.service.url, 1) as (stranger,):
        stranger.put(shelf.sku)
        for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/refund")):
            refused = stranger.send(method, f"/orders/{number}{path}")
            assert (refused.status_code, problem(refused)["status"]) == (404, 404)
        assert stranger.pay(number, key()).status_code == 404
    assert ann.order(number)["state"] == "pending_payment"


def test_what_was_not_decided_at_once_is_settled_by_the_worker(ann: Buyer, shelf: Goods) -> None:
    """A provider that answers late, one that does not answer, and one that tells it twice."""
    expected = {SILENT: 202, LATE: 202, TWICE: 201, GOOD: 201}
    numbers = {card: ordered(ann, shelf) for card in expected}
    told = {card: ann.pay(number, key(), card=card).status_code for card, number in numbers.items()}
    assert told == expected

    def unpaid() -> dict[str, str]:
        states = {card: ann.order(number)["state"] for card, number in numbers.items()}
        return {card: state for card, state in states.items() if state != "paid"}

    worker.wait_until(lambda: not unpaid(), lambda: f"orders that the worker settles, by card: {unpaid()}")
    for number in numbers.values():
        assert [payment["state"] for payment in ann.order(number)["payments"]] == ["succeeded"]


@pytest.mark.parametrize("path", ["/checkout", "/orders/0000000000000000/payments"])
def test_what_costs_money_demands_an_idempotency_key(ann: Buyer, shelf: Goods, path: str) -> None:
    ann.put(shelf.sku)
    body = {"card": GOOD} if path.endswith("payments") else {"email": "a@example.com"}
    refused = ann.send("POST", path, body)
    assert (refused.status_code, problem(refused)["status"]) == (400, 400)


def test_readiness_says_what_the_shop_cannot_live_without(backend: Service) -> None:
    """Redis gone would be `degraded`, and still 200; the database gone is 503."""
    parts = backend.get("/health/ready/").json()["dependencies"]
    assert (parts["database"]["required"], parts["redis"]["required"]) == (True, False)
