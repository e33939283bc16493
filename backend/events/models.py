"""The outbox: events, stored until they were relayed."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class OutboxEvent(models.Model):
    """One event of one aggregate, written in the transaction that it is about."""

    event_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    type = models.CharField(max_length=60)
    aggregate = models.CharField(max_length=80)
    payload = models.JSONField(default=dict)
    traceparent = models.CharField(max_length=55, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    relayed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["id"], condition=Q(relayed_at=None), name="events_not_relayed")]

    def __str__(self) -> str:
        return f"{self.type} {self.aggregate}"
