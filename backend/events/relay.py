"""Relaying events to the Redis stream."""

from __future__ import annotations

import json
from contextlib import ExitStack

import redis
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from config import tracing
from core.advisory import try_advisory_lock
from core.redis_client import redis_client
from core.rounds import is_due, postpone
from events.models import OutboxEvent

BATCH = 200
REFUSALS = (redis.RedisError, UnicodeError)


class StreamGone(Exception):
    """The stream is gone since a moment; the next round writes it again."""


def events_relay() -> int:
    """Send the events that were not sent yet to the stream, in order; return how many.

    At least once: an event is marked after it was sent, so a crash in between sends it again with the same
    `event_id`, and a stream that is gone is written again, as far back as its maximum length. An event that
    Redis refuses waits, twice as long each time, and with it the later ones of its aggregate alone. Raises:
    redis.RedisError while Redis is gone, or for the first event that it refused; nothing is lost by that.
    """
    if not settings.REDIS_URL:
        return 0
    with try_advisory_lock("events-relay") as acquired:
        return _relay_pending() if acquired else 0


def _relay_pending() -> int:
    is_written = OutboxEvent.objects.exclude(relayed_at=None).exists()
    if is_written and not redis_client().exists(settings.EVENT_STREAM):
        _mark_all_unsent()
        is_written = False
    sent, refusals = 0, []
    try:
        for event in list(_refused().filter(is_due(timezone.now()))[:BATCH]):
            sent += _relay_again(event, is_written, refusals)
        while batch := list(_waiting()[:BATCH]):
            sent += _relay_batch(batch, is_written, refusals)
            is_written = is_written or sent > 0
    except StreamGone:
        return sent
    if refusals:
        raise refusals[0]
    return sent


def _refused() -> QuerySet[OutboxEvent]:
    return OutboxEvent.objects.filter(relayed_at=None, attempts__gt=0).order_by("id")


def _waiting() -> QuerySet[OutboxEvent]:
    rows = OutboxEvent.objects.filter(relayed_at=None, attempts=0)
    return rows.exclude(aggregate__in=_refused().order_by().values("aggregate")).order_by("id")


def _mark_all_unsent() -> None:
    # A Redis without persistence restarted empty; readers of the stream may have missed some of it.
    newest = OutboxEvent.objects.order_by("-id").values("pk")[: settings.EVENT_STREAM_LENGTH]
    OutboxEvent.objects.filter(pk__in=newest).update(relayed_at=None)


@tracing.recorded("relay a refused event")
def _relay_again(event: OutboxEvent, into_existing: bool, refusals: list[Exception]) -> int:
    return _relay_one_by_one([event], into_existing, refusals)


@tracing.recorded("relay events")
def _relay_batch(batch: list[OutboxEvent], into_existing: bool, refusals: list[Exception]) -> int:
    try:
        _send(batch, into_existing)
    except REFUSALS:
        return _relay_one_by_one(batch, into_existing, refusals)
    _mark_sent(batch)
    return len(batch)


def _relay_one_by_one(events: list[OutboxEvent], into_existing: bool, refusals: list[Exception]) -> int:
    sent, refused = 0, set()
    for event in events:
        if event.aggregate in refused:
            continue
        try:
            _send([event], into_existing)
        except REFUSALS as refusal:
            _ensure_redis_takes_writes()
            postpone(event, timezone.now())
            refused.add(event.aggregate)
            refusals.append(refusal)
            continue
        _mark_sent([event])
        sent, into_existing = sent + 1, True
    return sent


def _ensure_redis_takes_writes() -> None:
    """Raise redis.RedisError where the fault is not an event's: Redis is gone, full, or read-only."""
    redis_client().set(f"{settings.EVENT_STREAM}:probe", "1", ex=1)


def _mark_sent(events: list[OutboxEvent]) -> None:
    keys = [event.pk for event in events]
    OutboxEvent.objects.filter(pk__in=keys).update(relayed_at=timezone.now(), attempts=0)


def _send(events: list[OutboxEvent], into_existing: bool) -> None:
    """Send events. Raises: StreamGone, with nothing sent, where the stream should exist and does not."""
    pipe = redis_client().pipeline(transaction=False)
    with ExitStack() as spans:
        for event in events:
            relaying = tracing.continued(f"relay {event.type}", event.traceparent, event.aggregate)
            pipe.xadd(
                settings.EVENT_STREAM,
                _fields(event, spans.enter_context(relaying)),
                maxlen=settings.EVENT_STREAM_LENGTH,
                approximate=True,
                nomkstream=into_existing,
            )
        if None in pipe.execute():
            raise StreamGone


def _fields(event: OutboxEvent, traceparent: str) -> dict[str, str]:
    return {
        "event_id": str(event.event_id),
        "type": event.type,
        "aggregate": event.aggregate,
        "created_at": event.created_at.isoformat(),
        "payload": json.dumps(event.payload),
        "traceparent": traceparent,
    }
