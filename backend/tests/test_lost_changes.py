"""Whichever query of a change is lost: 503, books that agree, and the request can be sent again."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import Count
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from operations.invariants import INVARIANTS
from orders.services import order_fulfil
from payments.models import Payment, Refund, refund_reference
from payments.services import payments_reconcile
from tests.lost_queries import LostAt
from tests.payment_steps import age_payments, send_webhook
from tests.shop import SILENT, Person, variant_make

Send = Callable[[], HttpResponse]
PASSWORD = "correct horse 9"
pytestmark = pytest.mark.django_db(transaction=True)
numbers = itertools.count(1)


class Shop:
    """A shop in which each change can be prepared again and again, each time for rows of its own."""

    def __init__(self, settings) -> None:
        self.settings = settings
        self.staff = Client(raise_request_exception=False)
        self.staff.force_login(User.objects.create_superuser("staff@example.com", PASSWORD))

    def customer(self) -> Person:
        """Return somebody who is logged in."""
        person = Person(client=Client(raise_request_exception=False))
        person.register(f"ann-{next(numbers)}@example.com")
        return person

    def payment(self, card: str = "") -> tuple[Person, Payment]:
        """Return somebody with an order, and its payment."""
        person = Person(client=Client(raise_request_exception=False))
        number = person.order("A")
        person.pay(number, card) if card else person.pay(number)
        return person, Payment.objects.get(order__number=number)

    def webhook(self, payment: Payment, **options: str) -> Send:
        """Return what sends a webhook about a payment."""
        event = f"evt-{next(numbers)}"
        client = Client(raise_request_exception=False)
        return lambda: send_webhook(
            client, self.settings, reference=payment.reference, event=event, **options
        )


def refund_by_customer(shop: Shop) -> Send:
    person, payment = shop.payment()
    path = f"/orders/{payment.order.number}/refund"
    return lambda: person.send("POST", path)


def refund_by_staff(shop: Shop) -> Send:
    _, payment = shop.payment()
    data = {"action": "refund", "_selected_action": [payment.order_id]}
    return lambda: shop.staff.post(reverse("admin:orders_order_changelist"), data)


def refund_in_part(shop: Shop) -> Send:
    _, payment = shop.payment()
    data = {"payment": payment.pk, "amount": "3.50", "new_reference": refund_reference()}
    return lambda: shop.staff.post(reverse("admin:payments_refund_add"), data)


def webhook_of_success(shop: Shop) -> Send:
    return shop.webhook(shop.payment(SILENT)[1])


def webhook_of_refund(shop: Shop) -> Send:
    _, payment = shop.payment()
    order_fulfil(order_id=payment.order_id)
    return shop.webhook(payment, type="payment.refunded")


def webhook_of_refund_in_part(shop: Shop) -> Send:
    return shop.webhook(shop.payment()[1], type="payment.refunded", amount="3.50")


def payment_with_one_key(shop: Shop) -> Send:
    person = Person(client=Client(raise_request_exception=False))
    number = person.order("A")
    return lambda: person.pay(number, key=f"pay-{number}")


def checkout_with_one_key(shop: Shop) -> Send:
    person = Person(client=Client(raise_request_exception=False))
    person.put_in_cart("A")
    return lambda: person.check_out(key="checkout")


def replay_of_a_payment(shop: Shop) -> Send:
    send = payment_with_one_key(shop)
    send()
    return send


def replay_of_a_checkout(shop: Shop) -> Send:
    send = checkout_with_one_key(shop)
    send()
    return send


def login_that_merges_carts(shop: Shop) -> Send:
    person, visitor = shop.customer(), Person(client=Client(raise_request_exception=False))
    person.put_in_cart("A")
    for sku in ("A", "B"):
        visitor.put_in_cart(sku)
    email = User.objects.latest("id").email
    return lambda: visitor.send("POST", "/accounts/login", {"email": email, "password": PASSWORD})


def registration(shop: Shop) -> Send:
    visitor = Person(client=Client(raise_request_exception=False))
    account = {"email": f"bob-{next(numbers)}@example.com", "password": PASSWORD}
    return lambda: visitor.send("POST", "/accounts/register", account)


def password_change(shop: Shop) -> Send:
    person = shop.customer()
    body = {"current_password": PASSWORD, "new_password": "good mare 99"}
    return lambda: person.send("POST", "/accounts/password", body)


def password_change_by_staff(shop: Shop) -> Send:
    shop.customer()
    url = reverse("admin:auth_user_password_change", args=[User.objects.latest("id").pk])
    data = {"password1": "good mare 99", "password2": "good mare 99", "usable_password": "true"}
    return lambda: shop.staff.post(url, data)


def login_of_staff(shop: Shop) -> Send:
    client = Client(raise_request_exception=False)
    data = {"username": "staff@example.com", "password": PASSWORD}
    return lambda: client.post(reverse("admin:login"), data)


def fulfilment_by_staff(shop: Shop) -> Send:
    _, payment = shop.payment()
    data = {"action": "fulfil", "_selected_action": [payment.order_id]}
    return lambda: shop.staff.post(reverse("admin:orders_order_changelist"), data)


def violations() -> list[str]:
    """Return the sentences about the shop's books that are not true."""
    return [one.sentence for one in INVARIANTS if any(True for _ in one.violations())]


CHANGES = {
    refund_by_customer: {200, 409},
    refund_by_staff: {302},
    refund_in_part: {200, 302},
    webhook_of_success: {200},
    webhook_of_refund: {200},
    webhook_of_refund_in_part: {200},
    payment_with_one_key: {201},
    checkout_with_one_key: {201},
    replay_of_a_payment: {201},
    replay_of_a_checkout: {201},
    login_that_merges_carts: {200},
    registration: {202},
    password_change: {200, 401},
    password_change_by_staff: {302},
    login_of_staff: {302},
    fulfilment_by_staff: {302},
}
"""Each change, and what the same request may be answered with after a 503."""


@pytest.fixture
def shop(settings) -> Shop:
    """A shop with two variants."""
    variant_make("A", units=1000)
    variant_make("B", units=1000)
    return Shop(settings)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_whose_query_is_lost_can_be_sent_again(shop, change):
    lost_ones = lose_each_query(shop, change)
    assert lost_ones
    assert violations() == []
    for sql, send in lost_ones:
        response = send()
        assert response.status_code in CHANGES[change], (sql, response.content)
    age_payments(5)
    payments_reconcile()
    assert violations() == []
    assert not Refund.objects.filter(state="pending").exists()
    assert not Payment.objects.annotate(parts=Count("refunds")).filter(parts__gt=1).exists()


def lose_each_query(shop: Shop, change: Callable[[Shop], Send]) -> list[tuple[str, Send]]:
    """Return the requests of which a query was lost: the first, the second, ..., each with that query."""
    lost_ones = []
    for passing in range(200):
        send = change(shop)
        with connection.execute_wrapper(lost := LostAt(passing)):
            response = send()
        if not lost.has_failed:
            assert response.status_code in CHANGES[change]
            return lost_ones
        assert (response.status_code, response.headers.get("Retry-After")) == (503, "1"), lost.sql
        lost_ones.append((lost.sql, send))
    raise AssertionError("two hundred queries or more")
