"""The webhooks of the sandbox provider, sent through the same door as those of any other provider."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from config import tracing
from core.rounds import run_due
from payments.models import SandboxCharge
from payments.sandbox import LATE, Sandbox, message_body
from payments.signatures import sign
from payments.webhooks import webhook_receive


def send_due_webhooks(*, now: datetime | None = None) -> int:
    """Send the webhooks that are due; return how many."""
    if Sandbox.name != settings.PAYMENT_PROVIDER:
        return 0
    now = now or timezone.now()
    has_answer = Q(answers_at__lte=now) | Q(answers_at__gt=now + LATE)  # more: the clock was set back
    due = SandboxCharge.objects.filter(has_answer, deliveries_left__gt=0)
    return run_due(_send_webhook, due, now=now)


@tracing.recorded("deliver a webhook")
def _send_webhook(charge: SandboxCharge) -> int:
    body = message_body(charge, "outcome")
    signature = sign(body=body, secret=settings.PAYMENT_WEBHOOK_SECRET)
    webhook_receive(provider="sandbox", body=body, signature=signature)
    remaining = SandboxCharge.objects.filter(pk=charge.pk, deliveries_left__gt=0)
    remaining.update(deliveries_left=F("deliveries_left") - 1)
    return 1
