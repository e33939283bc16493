"""Writing events."""

from __future__ import annotations

from typing import Any

from events.models import OutboxEvent


def event_record(*, type: str, aggregate: str, payload: dict[str, Any]) -> OutboxEvent:
    """Store an event; call it inside the transaction that it tells about.

    The writer of an aggregate's events holds a lock on its row, so their keys grow in order.
    """
    return OutboxEvent.objects.create(type=type, aggregate=aggregate, payload=payload)
