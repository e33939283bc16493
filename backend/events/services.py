"""Writing events, and relaying them to the Redis stream."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.utils import timezone

from config import tracing
from core.advisory import try_advisory_lock
from core.redis_client import redis_client
from events.models import OutboxEvent

BATCH = 200


def event_record(*, type: str, aggregate: str, payload: dict[str, Any]) -> OutboxEvent:
    """Store an event; call it inside the transaction that it tells about.

    The writer of an aggregate's events holds a lock on its row, so their keys grow in order.
    """
    traceparent = tracing.current_traceparent()
    return OutboxEvent.objects.create(
        type=type, aggregate=aggregate, payload=payload, traceparent=traceparent
    )


def events_relay() -> int:
    """Send the events that were not sent yet to the stream, in order; return how many.

    At least once: an event is marked after it was sent, so a crash in between sends it again with the same
    `event_id`, and a stream that is gone is written again, as far back as its maximum length. Raises:
    redis.RedisError while Redis is gone; nothing is lost by that.
    """
    if not settings.REDIS_URL:
        return 0
    with try_advisory_lock("events-relay") as acquired:
        return _relay_pending() if acquired else 0


def _relay_pending() -> int:
    sent, written = 0, OutboxEvent.objects.exclude(relayed_at=None).exists()
    if written and not redis_client().exists(settings.EVENT_STREAM):
        _mark_all_unsent()
        written = False
    while batch := list(OutboxEvent.objects.filter(relayed_at=None).order_by("id")[:BATCH]):
        if not _send_batch(batch, into_existing=written):
            break  # the stream is gone since a moment: the next round writes it again
        keys = [event.pk for event in batch]
        OutboxEvent.objects.filter(pk__in=keys).update(relayed_at=timezone.now())
        sent, written = sent + len(batch), True
    return sent


def _mark_all_unsent() -> None:
    # A Redis without persistence restarted empty; readers of the stream may have missed some of it.
    newest = OutboxEvent.objects.order_by("-id").values("pk")[: settings.EVENT_STREAM_LENGTH]
    OutboxEvent.objects.filter(pk__in=newest).update(relayed_at=None)


def _send_batch(batch: list[OutboxEvent], *, into_existing: bool) -> bool:
    """Return False, with nothing sent, where the stream should exist and does not."""
    pipe = redis_client().pipeline(transaction=False)
    with ExitStack() as spans:
        for event in batch:
            relaying = tracing.continued(f"relay {event.type}", event.traceparent, event.aggregate)
            pipe.xadd(
                settings.EVENT_STREAM,
                _fields(event, spans.enter_context(relaying)),
                maxlen=settings.EVENT_STREAM_LENGTH,
                approximate=True,
                nomkstream=into_existing,
            )
        return None not in pipe.execute()


def _fields(event: OutboxEvent, traceparent: str) -> dict[str, str]:
    return {
        "event_id": str(event.event_id),
        "type": event.type,
        "aggregate": event.aggregate,
        "created_at": event.created_at.isoformat(),
        "payload": json.dumps(event.payload),
        "traceparent": traceparent,
    }
