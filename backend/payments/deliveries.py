"""The webhooks of the sandbox provider, sent through the same door as those of any other provider."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from core.rounds import run_all
from payments.models import SandboxCharge
from payments.sandbox import Sandbox, message_body
from payments.services import webhook_receive
from payments.signatures import sign

BATCH = 200


def send_due_webhooks(*, now: datetime | None = None) -> int:
    """Send the webhooks that are due; return how many."""
    if Sandbox.name != settings.PAYMENT_PROVIDER:
        return 0
    due = SandboxCharge.objects.filter(deliveries_left__gt=0, answers_at__lte=now or timezone.now())
    return run_all(_send_webhook, due.order_by("id")[:BATCH])


def _send_webhook(charge: SandboxCharge) -> int:
    body = message_body(charge, "outcome")
    signature = sign(body=body, secret=settings.PAYMENT_WEBHOOK_SECRET)
    webhook_receive(provider="sandbox", body=body, signature=signature)
    remaining = SandboxCharge.objects.filter(pk=charge.pk, deliveries_left__gt=0)
    remaining.update(deliveries_left=F("deliveries_left") - 1)
    return 1
