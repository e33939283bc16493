"""Writing events."""

from __future__ import annotations

from typing import Any

from config import tracing
from events.models import OutboxEvent


def event_record(*, type: str, aggregate: str, payload: dict[str, Any]) -> OutboxEvent:
    """Store an event; call it inside the transaction that it tells about.

    The writer of an aggregate's events holds a lock on its row, so their keys grow in order.
    """
    traceparent = tracing.current_traceparent()
    return OutboxEvent.objects.create(
        type=type, aggregate=aggregate, payload=payload, traceparent=traceparent
    )
