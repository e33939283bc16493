"""Refunds: whole or in parts, by the customer, by staff, or by the provider."""

from decimal import Decimal

import pytest
from django.db import IntegrityError

from events.models import OutboxEvent
from orders.models import Order
from orders.services import order_cancel, order_fulfil
from orders.transitions import TransitionNotAllowed
from payments import sandbox
from payments.models import (
    Payment,
    PaymentState,
    Refund,
    SandboxCharge,
    SandboxRefund,
    refund_reference,
)
from payments.protocol import ProviderTimeout
from payments.refunds import RefundRecorded, RefundTooLarge, refund_start, refund_succeed
from payments.services import order_refund, payments_reconcile, refund_decide
from tests.payment_steps import age_payments, paid_order, send_webhook
from tests.shop import LATE, stock_of, variant_make

pytestmark = pytest.mark.django_db


def test_a_refund_that_was_not_sent_is_sent_by_the_worker(person, monkeypatch):
    number = person.order("A")
    person.pay(number)

    def silence(self, **arguments):
        raise ProviderTimeout

    with monkeypatch.context() as patch:
        patch.setattr(sandbox.Sandbox, "refund", silence)
        person.send("POST", f"/orders/{number}/refund")
    assert Payment.objects.get().state == PaymentState.REFUNDING
    age_payments(5)
    assert payments_reconcile() == 1
    assert SandboxCharge.objects.get().refunded


def test_a_refund_by_the_provider_refunds_a_fulfilled_order_too(person, client, settings):
    order = paid_order(person)
    order_fulfil(order_id=order.pk)
    reference = Payment.objects.get().reference
    assert send_webhook(client, settings, reference=reference, type="payment.refunded").status_code == 200
    assert person.state_of(order.number) == "refunded"
    assert stock_of("A") == (4, 0)
    with pytest.raises(TransitionNotAllowed):
        order_refund(order_id=order.pk, by_customer=False)


def test_a_payment_goes_back_in_parts(person):
    order = paid_order(person)
    order_refund(order_id=order.pk, by_customer=False, amount=Decimal("3.50"))
    shown = person.send("GET", f"/orders/{order.number}").json()
    assert (shown["state"], shown["payments"][0]["state"]) == ("paid", "succeeded")
    assert [(one["amount"]["amount"], one["state"]) for one in shown["refunds"]] == [("3.50", "succeeded")]
    order_refund(order_id=order.pk, by_customer=False)
    assert person.state_of(order.number) == "refunded"
    assert list(SandboxRefund.objects.values_list("amount", flat=True)) == [Decimal("3.50"), Decimal("6.50")]
    assert SandboxCharge.objects.get().refunded
    events = OutboxEvent.objects.filter(type="refund.succeeded")
    assert [event.payload["amount"] for event in events] == ["3.50", "6.50"]


@pytest.mark.parametrize("amount", ["0", "-1", "10.01"])
def test_a_refund_is_no_more_than_what_is_left(person, amount):
    order = paid_order(person)
    with pytest.raises(RefundTooLarge):
        order_refund(order_id=order.pk, by_customer=False, amount=Decimal(amount))
    assert not Refund.objects.exists()


def test_a_part_that_was_not_sent_is_sent_by_the_worker_once(person, monkeypatch):
    order = paid_order(person)

    def silence(self, **arguments):
        raise ProviderTimeout

    with monkeypatch.context() as patch:
        patch.setattr(sandbox.Sandbox, "refund", silence)
        order_refund(order_id=order.pk, by_customer=False, amount=Decimal("3.50"))
    assert Refund.objects.get().state == "pending"
    age_payments(5)
    assert (payments_reconcile(), payments_reconcile()) == (1, 0)
    assert Refund.objects.get().state == "succeeded"
    assert SandboxRefund.objects.get().amount == Decimal("3.50")


@pytest.mark.parametrize(("part", "rest"), [("3.50", "6.50"), ("9.99", "0.01"), ("0.01", "9.99")])
def test_a_refund_by_the_provider_completes_the_parts(person, client, settings, part, rest):
    order = paid_order(person)
    order_refund(order_id=order.pk, by_customer=False, amount=Decimal(part))
    assert person.state_of(order.number) == "paid"
    send_webhook(client, settings, reference=Payment.objects.get().reference, type="payment.refunded")
    assert [(refund.amount, refund.reason) for refund in Refund.objects.all()] == [
        (Decimal(part), "staff"),
        (Decimal(rest), "provider"),
    ]
    assert person.state_of(order.number) == "refunded"


@pytest.mark.django_db(transaction=True)
def test_staff_refund_a_part_in_the_admin(person, admin_client):
    order, url = paid_order(person), "/admin/payments/refund/add/"
    data = {"payment": Payment.objects.get().pk, "new_reference": refund_reference()}
    assert admin_client.post(url, {**data, "amount": "99.00"}).status_code == 200
    assert admin_client.post(url, {**data, "amount": "4.00"}).status_code == 302
    assert Refund.objects.get().amount == SandboxRefund.objects.get().amount == Decimal("4.00")
    assert person.state_of(order.number) == "paid"


def test_the_refund_that_the_customer_asks_for_reaches_the_provider(person):
    order = paid_order(person)
    assert person.send("POST", f"/orders/{order.number}/refund").status_code == 200
    assert SandboxRefund.objects.get().amount == SandboxCharge.objects.get().amount


def test_a_refund_that_is_reported_twice_is_recorded_once(person):
    person.pay(person.order("A"))
    refund_start(payment=Payment.objects.get(), amount=Decimal("1.00"), reason="x")
    for _ in range(2):
        refund_succeed(refund=Refund.objects.get())
    assert OutboxEvent.objects.filter(type="refund.succeeded").count() == 1


@pytest.fixture
def free_order(person):
    """An order over 0.00 that waits for its payment."""
    variant_make("F", price="0.00", units=5)
    return Order.objects.get(number=person.order("F"))


def test_what_cost_nothing_can_be_given_back(person, free_order):
    person.pay(free_order.number)
    assert person.send("POST", f"/orders/{free_order.number}/refund").status_code == 200
    assert person.state_of(free_order.number) == "refunded"
    assert Payment.objects.get().state == PaymentState.REFUNDED
    assert (stock_of("F"), Refund.objects.count()) == ((5, 0), 0)


def test_a_payment_of_nothing_that_comes_too_late_is_settled(person, free_order):
    person.pay(free_order.number, LATE)
    order_cancel(order_id=free_order.pk)
    age_payments(5)
    assert (payments_reconcile(), payments_reconcile()) == (1, 0)
    assert Payment.objects.get().state == PaymentState.REFUNDED


def test_a_refund_of_nothing_whose_request_died_is_ended_by_the_worker(person, free_order):
    person.pay(free_order.number)
    refund_decide(order_id=free_order.pk, by_customer=True)
    assert Payment.objects.get().state == PaymentState.REFUNDING
    age_payments(5)
    assert (payments_reconcile(), payments_reconcile()) == (1, 0)
    assert Payment.objects.get().state == PaymentState.REFUNDED


def test_two_refunds_of_one_name_are_one(person):
    order = paid_order(person)
    wanted = {"order_id": order.pk, "by_customer": False, "amount": Decimal("1.00"), "reference": "ref_1"}
    refund_decide(**wanted)
    with pytest.raises((RefundRecorded, IntegrityError)) as second:
        refund_decide(**wanted)
    assert second.type is RefundRecorded
    assert [refund.amount for refund in Refund.objects.all()] == [Decimal("1.00")]
