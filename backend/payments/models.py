"""Attempts to pay, the webhooks about them, and the sandbox provider's own records."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from core.models import Retried
from orders.models import Order


def payment_reference() -> str:
    """Return the name by which a provider knows a payment."""
    return f"pay_{secrets.token_hex(16)}"


def refund_reference() -> str:
    """Return the name by which a provider knows a refund."""
    return f"ref_{secrets.token_hex(16)}"


class PaymentState(models.TextChoices):
    """The state of a payment."""

    STARTED = "started"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


OPEN = (PaymentState.STARTED, PaymentState.PENDING)


class Payment(Retried):
    """One attempt to pay an order. Of a card only the last four digits are kept."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    reference = models.CharField(max_length=40, unique=True, default=payment_reference, editable=False)
    provider = models.CharField(max_length=20)
    request_key = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=PaymentState, default=PaymentState.STARTED)
    reason = models.CharField(max_length=100, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    card_last4 = models.CharField(max_length=4)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "request_key"], name="payments_once_a_request"),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(state__in=["started", "pending", "succeeded"]),
                name="payments_one_live_an_order",
            ),
        ]
        indexes = [
            models.Index(
                fields=["updated_at"],
                condition=Q(state__in=["started", "pending", "refunding"]),
                name="payments_unsettled",
            )
        ]

    def __str__(self) -> str:
        return self.reference


class RefundState(models.TextChoices):
    """The state of a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"


class Refund(models.Model):
    """Money that goes back: all of a payment, or a part of it."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    reference = models.CharField(max_length=40, unique=True, default=refund_reference, editable=False)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    reason = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=10, choices=RefundState, default=RefundState.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="payments_refund_of_something")]
        indexes = [
            models.Index(fields=["updated_at"], condition=Q(state="pending"), name="payments_refund_pending")
        ]

    def __str__(self) -> str:
        return self.reference


class WebhookEvent(models.Model):
    """A webhook that was processed; the same one again changes nothing."""

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=80)
    type = models.CharField(max_length=40)
    reference = models.CharField(max_length=40)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="payments_webhook_once")]

    def __str__(self) -> str:
        return self.event_id


class SandboxCharge(Retried):
    """The sandbox provider's record of one reference; the shop's own record is `Payment`."""

    reference = models.CharField(max_length=40, unique=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    outcome = models.CharField(max_length=10)
    answers_at = models.DateTimeField()
    deliveries_left = models.PositiveSmallIntegerField(default=1)
    refunded = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.reference


class SandboxRefund(models.Model):
    """The sandbox provider's record of one refund."""

    charge = models.ForeignKey(SandboxCharge, on_delete=models.CASCADE, related_name="refunds")
    reference = models.CharField(max_length=40, unique=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2)

    def __str__(self) -> str:
        return self.reference
