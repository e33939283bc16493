"""Payments: each way a provider can behave, and what the shop makes of it."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from core.models import IdempotentResponse
from orders.models import Order, OrderState
from payments.models import Payment, PaymentState, SandboxCharge
from payments.services import next_state, payments_reconcile
from tests.payment_steps import age_payments
from tests.shop import DECLINED, GOOD, SILENT, stock_of

pytestmark = pytest.mark.django_db


def test_a_good_card_pays(person):
    number = person.order("A")
    assert person.pay(number).status_code == 201
    assert person.state_of(number) == "paid"
    assert stock_of("A") == (4, 0)


def test_of_a_card_its_last_four_digits_are_kept(person):
    person.pay(person.order("A"), GOOD)
    assert Payment.objects.get().card_last4 == "4242"


def test_a_declined_card_leaves_the_order_payable(person):
    number = person.order("A")
    response = person.pay(number, DECLINED)
    assert (response.status_code, response.json()["type"]) == (402, "urn:shop:problem:payment-declined")
    assert person.pay(number, GOOD).status_code == 201


def test_paying_again_with_the_same_key_charges_once(person):
    number = person.order("A")
    assert person.pay(number, key="k").content == person.pay(number, key="k").content
    assert SandboxCharge.objects.count() == 1


def test_a_card_cannot_be_computed_from_what_is_stored(person, settings):
    number = person.order("A")
    body = json.dumps({"card": GOOD}).encode()
    person.pay(number, key="k")
    stored = IdempotentResponse.objects.get(key="k")
    assert GOOD.encode() not in bytes(stored.body)
    assert stored.fingerprint not in {
        hashlib.new(name, body).hexdigest() for name in ("sha256", "md5", "sha1")
    }
    settings.SECRET_KEY = "another key"
    assert person.pay(number, key="k").json()["type"] == "urn:shop:problem:idempotency-key-reused"


def test_a_paid_order_is_not_charged_again(person):
    number = person.order("A")
    person.pay(number)
    assert person.pay(number).status_code == 409
    assert SandboxCharge.objects.count() == 1


def test_a_silent_provider_is_asked_later(person):
    number = person.order("A")
    assert person.pay(number, SILENT).status_code == 202
    assert person.pay(number).json()["type"] == "urn:shop:problem:payment-open"
    assert payments_reconcile() == 0
    age_payments(5)
    assert payments_reconcile() == 1
    assert person.state_of(number) == "paid"


def test_a_payment_that_never_reached_the_provider_is_given_up(person):
    order = Order.objects.get(number=person.order("A"))
    Payment.objects.create(
        order=order,
        provider="sandbox",
        request_key="k",
        amount=order.total,
        currency="EUR",
        card_last4="4242",
    )
    age_payments(70)
    assert payments_reconcile() == 1
    assert Payment.objects.get().state == PaymentState.DECLINED
    assert person.pay(order.number).status_code == 201


def test_a_request_that_died_before_charging_is_taken_up_by_its_repetition(person):
    order = Order.objects.get(number=person.order("A"))
    Payment.objects.create(
        order=order,
        provider="sandbox",
        request_key="k",
        amount=order.total,
        currency="EUR",
        card_last4="4242",
    )
    assert person.pay(order.number, key="k").status_code == 201
    assert Payment.objects.count() == SandboxCharge.objects.count() == 1


def test_a_request_that_died_after_charging_does_not_charge_again(person, monkeypatch):
    from payments import services

    number = person.order("A")

    def die(**arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(services, "payment_settle", die)
        with pytest.raises(KeyboardInterrupt):
            person.pay(number, key="k")
    assert person.pay(number, key="k").status_code == 201
    assert SandboxCharge.objects.count() == 1


@pytest.mark.parametrize("order", OrderState.values)
@pytest.mark.parametrize("payment", PaymentState.values)
@pytest.mark.parametrize("outcome", ["pending", "succeeded", "declined", "refunded"])
def test_saying_something_twice_changes_nothing_more(payment, outcome, order):
    once = next_state(payment, outcome, order)
    after = OrderState.PAID if once == PaymentState.SUCCEEDED else order
    assert next_state(once, outcome, after) == once


@pytest.mark.parametrize("card", ["", "1", "4242 4242 4242 4242", "٤" * 16, "4" * 20, None, 4242424242424242])
def test_what_is_no_card_is_422(person, card):
    number = person.order("A")
    assert person.pay(number, card).status_code == 422


def test_a_fraction_of_an_order_is_not_paid_by_another_orders_key(person):
    first, second = person.order("A"), person.order("A")
    assert person.pay(first, key="same").status_code == 201
    assert person.pay(second, key="same").status_code == 201
    assert person.state_of(second) == "paid"


def test_an_order_is_not_paid_after_its_reservation_ended(person):
    number = person.order("A")
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = person.pay(number)
    assert response.status_code == 409
    assert response.json()["type"] == "urn:shop:problem:reservation-expired"
    assert not SandboxCharge.objects.exists()
