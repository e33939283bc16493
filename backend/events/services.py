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
    `event_id`, and a stream that is gone is written anew, as far back as it reaches. Raises:
    redis.RedisError while Redis is gone; nothing is lost by that.
    """
    if not settings.REDIS_URL:
        return 0
    with exclusive_or_busy("events-relay") as alone:
        return _relay_all() if alone else 0


def _relay_all() -> int:
    sent, written = 0, OutboxEvent.objects.exclude(relayed_at=None).exists()
    if written and not redis_client().exists(settings.EVENT_STREAM):
        _relay_anew()
        written = False
    while batch := list(OutboxEvent.objects.filter(relayed_at=None).order_by("id")[:BATCH]):
        if not _sent(batch, into_existing=written):
            break  # the stream went just now: the next round begins anew
        keys = [event.pk for event in batch]
        OutboxEvent.objects.filter(pk__in=keys).update(relayed_at=timezone.now())
        sent, written = sent + len(batch), True
    return sent


def _relay_anew() -> None:
    # A Redis that keeps nothing on disk came back empty; who reads the stream may not have read all of it.
    newest = OutboxEvent.objects.order_by("-id").values("pk")[: settings.EVENT_STREAM_LENGTH]
    OutboxEvent.objects.filter(pk__in=newest).update(relayed_at=None)


def _sent(batch: list[OutboxEvent], *, into_existing: bool) -> bool:
    """Answers False, and nothing was sent, where the stream should exist and does not."""
    pipe = redis_client().pipeline(transaction=False)
    for event in batch:
        pipe.xadd(
            settings.EVENT_STREAM,
            _fields(event),
            maxlen=settings.EVENT_STREAM_LENGTH,
            approximate=True,
            nomkstream=into_existing,
        )
    return None not in pipe.execute()


def _fields(event: OutboxEvent) -> dict[str, str]:
    return {
        "event_id": str(event.event_id),
        "type": event.type,
        "aggregate": event.aggregate,
        "created_at": event.created_at.isoformat(),
        "payload": json.dumps(event.payload),
    }
