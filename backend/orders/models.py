"""Orders: copies of what was bought, at the prices of that moment."""

from __future__ import annotations

import secrets
from collections import Counter

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models import StockItem, Variant
from core.models import Retried

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no two characters look alike


def order_number() -> str:
    """Return a number that does not reveal how many orders there are."""
    return "".join(secrets.choice(ALPHABET) for _ in range(16))


class OrderState(models.TextChoices):
    """The state of an order."""

    PENDING_PAYMENT = "pending_payment"
    PAID = "paid"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"


class Order(Retried):
    """One purchase, of a customer or of the holder of the token of the cart that it came from."""

    number = models.CharField(max_length=16, unique=True, default=order_number, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="orders"
    )
    token_digest = models.CharField(max_length=64, blank=True, db_index=True)
    email = models.EmailField(max_length=254)
    state = models.CharField(max_length=16, choices=OrderState, default=OrderState.PENDING_PAYMENT)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    restocked = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(state=OrderState.PENDING_PAYMENT),
                name="orders_that_may_expire",
            )
        ]

    def __str__(self) -> str:
        return self.number

    def units(self) -> Counter[int]:
        """Return how many units of each stock item the order holds."""
        counted: Counter[int] = Counter()
        for line in self.lines.all():
            counted[line.stock_item_id] += line.quantity
        return counted


class OrderLine(models.Model):
    """Units of one variant, as it was at checkout."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    variant = models.ForeignKey(Variant, on_delete=models.SET_NULL, null=True, related_name="+")
    stock_item = models.ForeignKey(StockItem, on_delete=models.PROTECT, related_name="order_lines")
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=330)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    quantity = models.PositiveIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(quantity__gte=1), name="orders_line_not_empty")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"
