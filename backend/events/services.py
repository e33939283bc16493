"""Writing events, and relaying them to the Redis stream."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.utils import timezone

from core.advisory import exclusive_or_busy
from core.redis_client import redis_client
from events.models import OutboxEvent

BATCH = 200


def event_record(*, type: str, aggregate: str, payload: dict[str, Any]) -> OutboxEvent:
    """Stores an event; call it inside the transaction that it tells about.

    Whoever writes events of one aggregate holds a lock on its row, so their keys grow in order.
    """
    return OutboxEvent.objects.create(type=type, aggregate=aggregate, payload=payload)


def events_relay() -> int:
    """Sends what was not sent yet to the stream, in order; answers how many were sent.

    At least once: an event is marked after it was sent, so a crash in between sends it again with the same
    `event_id`. Raises: redis.RedisError while Redis is gone; nothing is lost by that.
    """
    if not settings.REDIS_URL:
        return 0
    with exclusive_or_busy("events-relay") as alone:
        return _relay_all() if alone else 0


def _relay_all() -> int:
    sent = 0
    while batch := list(OutboxEvent.objects.filter(relayed_at=None).order_by("id")[:BATCH]):
        pipe = redis_client().pipeline(transaction=False)
        for event in batch:
            pipe.xadd(
                settings.EVENT_STREAM, _fields(event), maxlen=settings.EVENT_STREAM_LENGTH, approximate=True
            )
        pipe.execute()
        keys = [event.pk for event in batch]
        OutboxEvent.objects.filter(pk__in=keys).update(relayed_at=timezone.now())
        sent += len(batch)
    return sent


def _fields(event: OutboxEvent) -> dict[str, str]:
    return {
        "event_id": str(event.event_id),
        "type": event.type,
        "aggregate": event.aggregate,
        "created_at": event.created_at.isoformat(),
        "payload": json.dumps(event.payload),
    }
