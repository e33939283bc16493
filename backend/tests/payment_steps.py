"""Steps of tests that pay: webhooks of the sandbox provider, time that has passed, a paid order."""

import json
from datetime import timedelta

from django.utils import timezone

from orders.models import Order
from payments.models import Payment, Refund, SandboxCharge
from payments.signatures import sign

HOOK = "/api/v1/payments/webhooks/sandbox"


def send_webhook(
    client, settings, *, reference, event="evt_1", type="payment.succeeded", amount="10.00", **options
):
    data = {"reference": reference, "amount": amount, "currency": "EUR"}
    body = json.dumps({"id": event, "type": type, "data": data}).encode()
    secret = options.get("secret", settings.PAYMENT_WEBHOOK_SECRET)
    signature = sign(body=body, secret=secret, at_s=options.get("at_s"))
    return client.post(
        HOOK, body, content_type="application/json", headers={"X-Sandbox-Signature": signature}
    )


def age_payments(seconds):
    moment = timezone.now() - timedelta(seconds=seconds)
    Payment.objects.update(updated_at=moment, created_at=moment)
    Refund.objects.update(updated_at=moment)
    Payment.objects.update(next_attempt_at=moment)
    SandboxCharge.objects.update(answers_at=moment)


def paid_order(person):
    order = Order.objects.get(number=person.order("A"))
    person.pay(order.number)
    return order
