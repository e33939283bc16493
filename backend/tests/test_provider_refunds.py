"""Refunds that the provider makes by itself, in parts, told by webhook."""

import itertools
import json
from decimal import Decimal

import pytest
from django.core.management import call_command

from events.models import OutboxEvent
from orders.models import Order
from orders.services import order_fulfil
from payments.models import Payment, Refund
from payments.protocol import ProviderTimeout
from payments.sandbox import Sandbox
from payments.services import order_refund
from payments.signatures import sign
from tests.shop import LATE, Person, stock_of, variant_make

pytestmark = pytest.mark.django_db
events = itertools.count(1)


@pytest.fixture
def person():
    variant_make("A", units=5)
    yield Person()
    call_command("check_invariants", verbosity=0)


@pytest.fixture
def order(person):
    """An order over 10.00 that is paid."""
    order = Order.objects.get(number=person.order("A"))
    person.pay(order.number)
    return order


@pytest.fixture
def tell(client, settings):
    """Send a webhook about a refund of the only payment."""

    def tell(amount, *, event="", **data):
        data = {"reference": Payment.objects.get().reference, "amount": amount, "currency": "EUR", **data}
        message = {"id": event or f"evt_{next(events)}", "type": "payment.refunded", "data": data}
        body = json.dumps(message).encode()
        signature = sign(body=body, secret=settings.PAYMENT_WEBHOOK_SECRET)
        headers = {"X-Sandbox-Signature": signature}
        url = "/api/v1/payments/webhooks/sandbox"
        return client.post(url, body, content_type="application/json", headers=headers)

    return tell


def refunds():
    return [(str(refund.amount), refund.reason, refund.state) for refund in Refund.objects.all()]


def events_of(order, kind):
    rows = OutboxEvent.objects.filter(aggregate=f"order:{order.number}", type__startswith=kind)
    return [row.type for row in rows]


def test_a_part_is_a_row_with_its_own_state_and_event(person, order, tell):
    assert tell("3.50", refund="re_1").json() == {"processed": True}
    assert refunds() == [("3.50", "provider", "succeeded")]
    assert Refund.objects.get().reference == "re_1"
    event = OutboxEvent.objects.get(type="refund.succeeded")
    assert (event.payload["amount"], event.payload["reference"]) == ("3.50", "re_1")
    shown = person.send("GET", f"/orders/{order.number}").json()
    assert (shown["state"], shown["payments"][0]["state"]) == ("paid", "succeeded")
    assert [(one["amount"]["amount"], one["state"]) for one in shown["refunds"]] == [("3.50", "succeeded")]


def test_parts_that_leave_nothing_refund_the_order(person, order, tell):
    tell("3.50")
    tell("6.50")
    assert person.state_of(order.number) == "refunded"
    assert Payment.objects.get().state == "refunded"
    assert stock_of("A") == (5, 0)
    assert events_of(order, "refund.") == ["refund.succeeded"] * 2
    assert events_of(order, "payment.refunded") == ["payment.refunded"]


def test_parts_of_a_fulfilled_order_bring_no_goods_back(person, order, tell):
    order_fulfil(order_id=order.pk)
    tell("3.50")
    assert person.state_of(order.number) == "fulfilled"
    tell("6.50")
    assert person.state_of(order.number) == "refunded"
    assert stock_of("A") == (4, 0)


def test_a_part_that_is_told_twice_goes_back_once(order, tell):
    assert tell("3.50", event="evt_a").json() == {"processed": True}
    assert tell("3.50", event="evt_a").json() == {"processed": False}
    assert tell("3.50", refund="re_1").json() == {"processed": True}
    assert tell("3.50", refund="re_1").status_code == 200
    assert refunds() == [("3.50", "provider", "succeeded")] * 2


def test_a_crash_before_the_webhook_is_stored_does_not_refund_twice(order, tell, monkeypatch):
    from payments import webhooks

    def die(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(webhooks, "_store_message", die)
        tell("3.50", event="evt_a")
    assert tell("3.50", event="evt_a").json() == {"processed": True}
    assert refunds() == [("3.50", "provider", "succeeded")]


def test_the_shops_own_part_is_no_second_one_when_the_provider_tells_of_it(order, tell, monkeypatch):
    def silence(self, **arguments):
        raise ProviderTimeout

    with monkeypatch.context() as patch:
        patch.setattr(Sandbox, "refund", silence)
        order_refund(order_id=order.pk, by_customer=False, amount=Decimal("3.50"))
    assert refunds() == [("3.50", "staff", "pending")]
    assert tell("3.50", refund=Refund.objects.get().reference).status_code == 200
    assert refunds() == [("3.50", "staff", "succeeded")]


def test_a_part_that_is_all_the_rest_sends_what_is_still_pending(person, order, tell, monkeypatch):
    def silence(self, **arguments):
        raise ProviderTimeout

    with monkeypatch.context() as patch:
        patch.setattr(Sandbox, "refund", silence)
        order_refund(order_id=order.pk, by_customer=False, amount=Decimal("3.50"))
    tell("6.50")
    assert refunds() == [("3.50", "staff", "succeeded"), ("6.50", "provider", "succeeded")]
    assert person.state_of(order.number) == "refunded"


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "6.51", "20.00"])
def test_no_more_goes_back_than_is_left(person, order, tell, amount):
    tell("3.50")
    response = tell(amount)
    assert (response.status_code, response.json()["type"]) == (422, "urn:shop:problem:refund-too-large")
    assert person.state_of(order.number) == "paid"


@pytest.mark.parametrize(
    ("amount", "data"),
    [("3.505", {}), ("NaN", {}), ("1E+40", {}), ("3.50", {"refund": "x" * 41}), ("3.50", {"refund": 1})],
)
def test_what_is_no_refund_is_400(order, tell, amount, data):
    assert tell(amount, **data).status_code == 400
    assert refunds() == []


def test_a_refund_is_not_another_one_of_the_same_name(order, tell):
    tell("3.50", refund="re_1")
    assert tell("1.00", refund="re_1").status_code == 422
    assert tell("5.00", refund="re_1").status_code == 422
    assert tell("3.50", refund="re_2", currency="USD").status_code == 422
    assert refunds() == [("3.50", "provider", "succeeded")]


def test_a_part_of_what_was_not_paid_yet_is_to_be_told_again(person, tell):
    number = person.order("A")
    person.pay(number, LATE)
    response = tell("3.50")
    assert (response.status_code, response.json()["type"]) == (409, "urn:shop:problem:payment-state")
    assert refunds() == []
