"""Payments: each way a provider can behave, and what the shop makes of it."""

import hashlib
import json
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.utils import timezone

from core.models import IdempotentResponse
from events.models import OutboxEvent
from orders.models import Order, OrderState
from orders.services import order_fulfil, orders_expire
from orders.transitions import TransitionNotAllowed
from payments import deliveries, sandbox
from payments.models import Payment, PaymentState, Refund, SandboxCharge, SandboxRefund, WebhookEvent
from payments.protocol import ProviderTimeout
from payments.refunds import RefundTooLarge
from payments.services import next_state, order_refund, payments_reconcile
from payments.signatures import sign
from tests.shop import DECLINED, GOOD, LATE, SILENT, TWICE, Person, stock_of, variant_make

pytestmark = pytest.mark.django_db
HOOK = "/api/v1/payments/webhooks/sandbox"


@pytest.fixture
def person():
    variant_make("A", units=5)
    yield Person()
    call_command("check_invariants", verbosity=0)


def tell(client, settings, *, reference, event="evt_1", type="payment.succeeded", amount="10.00", **options):
    data = {"reference": reference, "amount": amount, "currency": "EUR"}
    body = json.dumps({"id": event, "type": type, "data": data}).encode()
    secret = options.get("secret", settings.PAYMENT_WEBHOOK_SECRET)
    signature = sign(body=body, secret=secret, at_s=options.get("at_s"))
    return client.post(
        HOOK, body, content_type="application/json", headers={"X-Sandbox-Signature": signature}
    )


def everything_is_older(seconds):
    moment = timezone.now() - timedelta(seconds=seconds)
    Payment.objects.update(updated_at=moment, created_at=moment)
    Refund.objects.update(updated_at=moment)
    Payment.objects.update(next_attempt_at=moment)
    SandboxCharge.objects.update(answers_at=moment)


def test_a_good_card_pays(person):
    number = person.order("A")
    assert person.pay(number).status_code == 201
    assert person.state_of(number) == "paid"
    assert stock_of("A") == (4, 0)


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
    everything_is_older(5)
    assert payments_reconcile() == 1
    assert person.state_of(number) == "paid"


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
    everything_is_older(70)
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


def test_a_refund_that_was_not_sent_is_sent_by_the_worker(person, monkeypatch):
    number = person.order("A")
    person.pay(number)

    def silence(self, **arguments):
        raise ProviderTimeout

    with monkeypatch.context() as patch:
        patch.setattr(sandbox.Sandbox, "refund", silence)
        person.send("POST", f"/orders/{number}/refund")
    assert Payment.objects.get().state == PaymentState.REFUNDING
    everything_is_older(5)
    assert payments_reconcile() == 1
    assert SandboxCharge.objects.get().refunded


def test_a_signed_webhook_pays_and_its_replay_does_nothing(person, client, settings):
    number = person.order("A")
    reference = person.pay(number, LATE).json()["reference"]
    assert tell(client, settings, reference=reference).json() == {"processed": True}
    assert tell(client, settings, reference=reference).json() == {"processed": False}
    assert person.state_of(number) == "paid"


def test_webhooks_out_of_order_end_in_the_same_state(person, client, settings):
    number = person.order("A")
    reference = person.pay(number, LATE).json()["reference"]
    tell(client, settings, reference=reference, event="evt_2", type="payment.refunded")
    tell(client, settings, reference=reference, event="evt_1", type="payment.succeeded")
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
        ({"type": "payment.invented"}, 400),
        ({"reference": "pay_unknown"}, 404),
        ({"event": "x" * 81}, 400),
    ],
)
def test_a_webhook_with_wrong_facts_changes_nothing(person, client, settings, change, status):
    number = person.order("A")
    reference = person.pay(number, LATE).json()["reference"]
    response = tell(client, settings, **{"reference": reference, **change})
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


def paid_order(person):
    order = Order.objects.get(number=person.order("A"))
    person.pay(order.number)
    return order


def test_a_refund_by_the_provider_refunds_a_fulfilled_order_too(person, client, settings):
    order = paid_order(person)
    order_fulfil(order_id=order.pk)
    reference = Payment.objects.get().reference
    assert tell(client, settings, reference=reference, type="payment.refunded").status_code == 200
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
    everything_is_older(5)
    assert (payments_reconcile(), payments_reconcile()) == (1, 0)
    assert Refund.objects.get().state == "succeeded"
    assert SandboxRefund.objects.get().amount == Decimal("3.50")


def test_a_refund_by_the_provider_completes_the_parts(person, client, settings):
    order = paid_order(person)
    order_refund(order_id=order.pk, by_customer=False, amount=Decimal("3.50"))
    tell(client, settings, reference=Payment.objects.get().reference, type="payment.refunded")
    assert [(refund.amount, refund.reason) for refund in Refund.objects.all()] == [
        (Decimal("3.50"), "staff"),
        (Decimal("6.50"), "provider"),
    ]
    assert person.state_of(order.number) == "refunded"


def test_staff_refund_a_part_in_the_admin(person, admin_client):
    order, url = paid_order(person), "/admin/payments/refund/add/"
    payment = Payment.objects.get()
    assert admin_client.post(url, {"payment": payment.pk, "amount": "99.00"}).status_code == 200
    assert admin_client.post(url, {"payment": payment.pk, "amount": "4.00"}).status_code == 302
    assert Refund.objects.get().amount == SandboxRefund.objects.get().amount == Decimal("4.00")
    assert person.state_of(order.number) == "paid"


def test_the_refund_that_the_customer_asks_for_reaches_the_provider(person):
    order = paid_order(person)
    assert person.send("POST", f"/orders/{order.number}/refund").status_code == 200
    assert SandboxRefund.objects.get().amount == SandboxCharge.objects.get().amount


def test_an_order_is_not_paid_after_its_reservation_ended(person):
    number = person.order("A")
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = person.pay(number)
    assert (response.status_code, response.json()["type"]) == (409, "urn:shop:problem:reservation-expired")
    assert not SandboxCharge.objects.exists()
