"""The state of the shop as metrics: what its database says, at a cost that does not grow with the shop.

Every query reads at most LIMIT rows of an index, and no process asks more often than every FRESH_S.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import datetime

from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config import tracing
from events.models import OutboxEvent
from orders.models import Order, OrderState
from payments.models import Payment, PaymentState, Refund, RefundState

LIMIT = 10_000
FRESH_S = 5.0
TIMEOUT_MS = 1000
UNSETTLED = (PaymentState.STARTED, PaymentState.PENDING, PaymentState.REFUNDING)

logger = logging.getLogger("shop.metrics")


class ShopCollector(Collector):
    """Ask the database when it is scraped, and give the same answer again for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_s = float("-inf")
        self._metrics: list[Metric] = []

    def describe(self) -> list[Metric]:
        """Return nothing: to be registered, the collector need not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what the database says; without it only `shop_database_up 0`."""
        with self._lock:
            if time.monotonic() >= self._asked_s + FRESH_S:
                self._metrics = _ask()
                self._asked_s = time.monotonic()
            yield from self._metrics


def _ask() -> list[Metric]:
    close_old_connections()
    try:
        with tracing.unrecorded(), transaction.atomic():
            if connection.vendor == "postgresql":
                connection.cursor().execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
            families = list(shop_metrics(timezone.now()))
    except (DatabaseError, InterfaceError) as failure:
        logger.warning("No metrics of the shop, the database does not answer: %s", failure)
        families = []
    finally:
        close_old_connections()
    up = GaugeMetricFamily("shop_database_up", "Whether the database said what the shop's metrics are.")
    up.add_metric([], 1 if families else 0)
    return [up, *families]


def shop_metrics(now: datetime) -> Iterator[Metric]:
    """Yield the state of the shop."""
    yield _orders()
    pending = Order.objects.filter(state=OrderState.PENDING_PAYMENT).order_by("expires_at")
    alive, overdue = pending.filter(expires_at__gt=now), pending.filter(expires_at__lte=now)
    yield _gauge("shop_reservations", "Unpaid orders that hold stock.", _count(alive))
    yield _gauge("shop_reservations_overdue", "Unpaid orders that should have expired.", _count(overdue))
    events = OutboxEvent.objects.filter(relayed_at=None).order_by("id")
    yield _gauge("shop_outbox_events", "Events that were not relayed yet.", _count(events))
    yield _gauge("shop_outbox_lag_seconds", "Age of the oldest of them.", _age(events, "created_at", now))
    payments = Payment.objects.filter(state__in=UNSETTLED).order_by("updated_at")
    yield _gauge("shop_payments_unsettled", "Payments whose outcome is not known yet.", _count(payments))
    age = _age(payments, "updated_at", now)
    yield _gauge("shop_payments_unsettled_seconds", "Age of the oldest of them.", age)
    refunds = Refund.objects.filter(state=RefundState.PENDING).order_by("updated_at")
    yield _gauge("shop_refunds_unsettled", "Refunds whose outcome is not known yet.", _count(refunds))


def _orders() -> Metric:
    """Count by state the newest orders; older ones hardly change, and counting all would cost ever more."""
    newest = Order.objects.order_by("-id").values("pk")[:LIMIT]
    by_state = Order.objects.filter(pk__in=newest).order_by().values_list("state").annotate(Count("pk"))
    counted = dict(by_state)
    family = GaugeMetricFamily("shop_orders", f"The newest {LIMIT} orders, by state.", labels=["state"])
    for state in OrderState:
        family.add_metric([state.value], counted.get(state.value, 0))
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _count(rows: QuerySet) -> int:
    return rows.values("pk")[:LIMIT].count()


def _age(rows: QuerySet, field: str, now: datetime) -> float:
    oldest = rows.values_list(field, flat=True).first()
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
