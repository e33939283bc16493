"""Webhooks of the payment provider: late, repeated, out of order, forged."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from orders.services import orders_expire
from payments import deliveries
from payments.models import Payment, PaymentState, SandboxCharge, WebhookEvent
from tests.payment_steps import HOOK, send_webhook
from tests.shop import LATE, TWICE, stock_of

pytestmark = pytest.mark.django_db


def test_a_late_answer_comes_by_webhook(person):
    number = person.order("A")
    assert person.pay(number, LATE).json()["state"] == "pending"
    assert deliveries.send_due_webhooks() == 0
    assert deliveries.send_due_webhooks(now=timezone.now() + timedelta(seconds=3)) == 1
    assert person.state_of(number) == "paid"


def test_a_webhook_that_comes_twice_counts_once(person):
    number = person.order("A")
    person.pay(number, TWICE)
    assert [deliveries.send_due_webhooks() for _ in range(3)] == [1, 1, 0]
    assert WebhookEvent.objects.count() == 1
    assert person.state_of(number) == "paid"


def test_a_late_payment_of_an_expired_order_is_sent_back(person):
    number = person.order("A")
    person.pay(number, LATE)
    orders_expire(now=timezone.now() + timedelta(hours=1))
    deliveries.send_due_webhooks(now=timezone.now() + timedelta(hours=1))
    assert person.state_of(number) == "expired"
    assert Payment.objects.get().state == PaymentState.REFUNDED
    assert SandboxCharge.objects.get().refunded
    assert stock_of("A") == (5, 0)


def test_a_signed_webhook_pays_and_its_replay_does_nothing(person, client, settings):
    number = person.order("A")
    reference = person.pay(number, LATE).json()["reference"]
    assert send_webhook(client, settings, reference=reference).json() == {"processed": True}
    assert send_webhook(client, settings, reference=reference).json() == {"processed": False}
    assert person.state_of(number) == "paid"


def test_webhooks_out_of_order_end_in_the_same_state(person, client, settings):
    number = person.order("A")
    reference = person.pay(number, LATE).json()["reference"]
    send_webhook(client, settings, reference=reference, event="evt_2", type="payment.refunded")
    send_webhook(client, settings, reference=reference, event="evt_1", type="payment.succeeded")
    assert Payment.objects.get().state == PaymentState.REFUNDED
    assert person.state_of(number) == "pending_payment"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"secret": "wrong"}, 401),
        ({"at_s": 1}, 401),
        ({"at_s": int(time.time()) + 3600}, 401),
        ({"amount": "0.01"}, 422),
        ({"amount": "NaN"}, 400),
        ({"amount": "1e1"}, 400),
        ({"amount": "1_0.00"}, 400),
        ({"amount": " 10.00"}, 400),
        ({"amount": "10.00\n"}, 400),
        ({"amount": "١٠.٠٠"}, 400),
        ({"amount": "-10.00"}, 422),
        ({"amount": "+10.00"}, 400),
        ({"type": "payment.invented"}, 400),
        ({"reference": "pay_unknown"}, 404),
        ({"event": "x" * 81}, 400),
    ],
)
def test_a_webhook_with_wrong_facts_changes_nothing(person, client, settings, change, status):
    number = person.order("A")
    reference = person.pay(number, LATE).json()["reference"]
    response = send_webhook(client, settings, **{"reference": reference, **change})
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert person.state_of(number) == "pending_payment"


@pytest.mark.parametrize(
    "signature", ["", "t=1", "t=1,v1=zz", "v1=" + "0" * 64, "t=9999999999999999,v1=" + "0" * 64]
)
def test_a_malformed_signature_is_401(client, signature):
    response = client.post(
        HOOK, b"{}", content_type="application/json", headers={"X-Sandbox-Signature": signature}
    )
    assert response.status_code == 401


@pytest.mark.parametrize("provider", ["", "another", "stripe"])
def test_another_provider_sends_its_webhooks_itself(person, settings, provider):
    person.pay(person.order("A"), LATE)
    settings.PAYMENT_PROVIDER = provider
    assert deliveries.send_due_webhooks(now=timezone.now() + timedelta(hours=1)) == 0
    assert SandboxCharge.objects.get().deliveries_left == 1
