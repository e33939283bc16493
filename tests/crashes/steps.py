"""The named steps at which a process is killed: one table per request, in the order of execution."""

from __future__ import annotations

from dataclasses import dataclass

from crashes.inside.points import Fault

COMMIT = "django.db.backends.base.base:BaseDatabaseWrapper.commit"
RESPONSE_STORED = "core.models:IdempotentResponse.objects.create"
EVENT = "orders.services:event_record"
PAYMENT_EVENT = "payments.services:event_record"
SETTLED = "payments.services:_settle_payment"
REFUND_SENT = "payments.services:refund_send"
PROVIDER_REFUNDS = "payments.sandbox:Sandbox.refund"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of the shop by name, and its place in the code."""

    name: str
    place: str
    nth: int = 1

    def faults(self) -> tuple[Fault, Fault]:
        """Return a kill right before the step and one right after it."""
        before, after = (
            Fault(action="kill", when=when, place=self.place, nth=self.nth) for when in ("before", "after")
        )
        return before, after


CHECKOUT = (
    Step(name="look for a stored response", place="core.idempotency:_stored_response"),
    Step(name="lock the cart", place="orders.services:_lock_cart"),
    Step(name="write the order", place="orders.services:_store_order"),
    Step(name="reserve stock", place="catalog.stock:stock_reserve"),
    Step(name="write the event", place=EVENT),
    Step(name="place the order", place="orders.services:order_place"),
    Step(name="store the response", place=RESPONSE_STORED),
    Step(name="commit", place=COMMIT),
)
PAYMENT = (
    Step(name="write the payment", place="payments.services:_start_payment"),
    Step(name="commit the payment", place=COMMIT, nth=1),
    Step(name="charge at the provider", place="payments.sandbox:Sandbox.charge"),
    Step(name="the provider's own commit", place=COMMIT, nth=2),
    Step(name="settle", place="payments.services:payment_settle"),
    Step(name="pay the order", place="payments.services:order_pay"),
    Step(name="sell stock", place="catalog.stock:stock_sell"),
    Step(name="write the event", place=PAYMENT_EVENT),
    Step(name="commit the outcome", place=COMMIT, nth=3),
    Step(name="write the outcome", place=SETTLED),
    Step(name="make the payment", place="payments.api:payment_make"),
    Step(name="store the response", place=RESPONSE_STORED),
)
WEBHOOK = (
    Step(name="handle the webhook", place="payments.api:webhook_receive"),
    Step(name="settle", place="payments.webhooks:payment_settle"),
    Step(name="pay the order", place="payments.services:order_pay"),
    Step(name="commit the outcome", place=COMMIT),
    Step(name="store the message", place="payments.webhooks:_store_message"),
)
REFUND = (
    Step(name="decide the refund", place="payments.services:refund_decide"),
    Step(name="return stock", place="catalog.stock:stock_return"),
    Step(name="commit the decision", place=COMMIT, nth=1),
    Step(name="send the refund", place=REFUND_SENT),
    Step(name="the provider refunds", place=PROVIDER_REFUNDS),
    Step(name="the provider's own commit of the refund", place=COMMIT, nth=2),
    Step(name="write the refund", place=SETTLED),
    Step(name="commit the refund", place=COMMIT, nth=3),
)
LATE_SUCCESS = (
    Step(name="write that the payment came too late", place=SETTLED, nth=1),
    Step(name="commit that the payment came too late", place=COMMIT, nth=1),
    Step(name="send the refund", place=REFUND_SENT),
    Step(name="the provider refunds", place=PROVIDER_REFUNDS),
    Step(name="the provider's own commit of the refund", place=COMMIT, nth=2),
    Step(name="write the refund", place=SETTLED, nth=2),
    Step(name="commit the refund", place=COMMIT, nth=3),
)
SETTLEMENT = (
    Step(name="look the charge up", place="payments.sandbox:Sandbox.lookup"),
    Step(name="settle", place="payments.services:payment_settle"),
    Step(name="pay the order", place="payments.services:order_pay"),
    Step(name="sell stock", place="catalog.stock:stock_sell"),
    Step(name="write the event", place=PAYMENT_EVENT),
    Step(name="write the outcome", place=SETTLED),
)
RESENDING = (
    Step(name="send the refund", place=REFUND_SENT),
    Step(name="the provider refunds", place=PROVIDER_REFUNDS),
    Step(name="write the refund", place=SETTLED),
)
EXPIRY = (
    Step(name="release stock", place="catalog.stock:stock_release"),
    Step(name="write the event", place=EVENT),
    Step(name="expire the order", place="orders.services:_expire_order"),
)
RELAY = (
    Step(name="send to the stream", place="redis.client:Pipeline.execute"),
    Step(name="make an event's fields", place="events.relay:_fields", nth=2),
)

_REQUESTS = (*CHECKOUT, *PAYMENT, *WEBHOOK, *REFUND, *LATE_SUCCESS)
PLACES = tuple(sorted({step.place for step in _REQUESTS}))
WORKER_PLACES = tuple(sorted({step.place for step in (*EXPIRY, *SETTLEMENT, *RESENDING)}))
RELAY_PLACES = tuple(sorted({step.place for step in RELAY}))
