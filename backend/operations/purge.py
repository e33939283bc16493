"""What is deleted on a schedule: rows that nothing needs any more, and that would grow without end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import AccessToken
from carts.models import Cart
from config import tracing
from core.idempotency import RETENTION
from core.models import IdempotentResponse
from events.models import OutboxEvent
from payments.models import WebhookEvent

BATCH = 1000
CARTS_AFTER = timedelta(days=60)
EVENTS_AFTER = timedelta(days=30)
WEBHOOKS_AFTER = timedelta(days=90)

OUTDATED: dict[str, Callable[[datetime], QuerySet]] = {
    "anonymous carts": lambda now: Cart.objects.filter(user=None, updated_at__lt=now - CARTS_AFTER),
    "relayed events": lambda now: OutboxEvent.objects.filter(relayed_at__lt=now - EVENTS_AFTER),
    "webhooks": lambda now: WebhookEvent.objects.filter(received_at__lt=now - WEBHOOKS_AFTER),
    "sessions": lambda now: Session.objects.filter(expire_date__lt=now),
    "idempotency keys": lambda now: IdempotentResponse.objects.filter(created_at__lt=now - RETENTION),
    "access tokens": lambda now: AccessToken.objects.filter(expires_at__lt=now),
}


def purge(*, now: datetime | None = None) -> int:
    """Delete at most BATCH outdated rows of each kind; return how many."""
    now, deleted = now or timezone.now(), 0
    for find in OUTDATED.values():
        rows = find(now)
        keys = list(rows.values_list("pk", flat=True)[:BATCH])
        if keys:
            deleted += _delete(rows, keys)
    return deleted


@tracing.recorded("purge outdated rows")
@transaction.atomic
def _delete(rows: QuerySet, keys: list[Any]) -> int:
    # Looked at once more under their locks: a cart that somebody uses at this moment is a living one.
    held = rows.filter(pk__in=keys).select_for_update(skip_locked=True).order_by("pk")
    outdated = list(held.values_list("pk", flat=True))
    rows.model._default_manager.filter(pk__in=outdated).delete()
    return len(outdated)
