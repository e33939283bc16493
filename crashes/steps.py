"""The named steps at which a process is killed: a table a request, in the order in which they are reached."""

from __future__ import annotations

from dataclasses import dataclass

from crashes.inside.points import Fate

COMMIT = "django.db.backends.base.base:BaseDatabaseWrapper.commit"
ANSWER_KEPT = "core.models:IdempotentAnswer.objects.create"
EVENT = "orders.services:event_record"
PAYMENT_EVENT = "payments.services:event_record"
SETTLED = "payments.services:_settle_payment"
REFUND_SENT = "payments.services:refund_send"
PROVIDER_REFUNDS = "payments.sandbox:Sandbox.refund"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of the shop in words, and where it lies in its code."""

    words: str
    place: str
    nth: int = 1

    def fates(self) -> tuple[Fate, Fate]:
        """Answer death right before and right after."""
        before, after = (
            Fate(action="kill", when=when, place=self.place, nth=self.nth) for when in ("before", "after")
        )
        return before, after


CHECKOUT = (
    Step(words="look for a kept answer", place="core.idempotency:_stored_response"),
    Step(words="lock the cart", place="orders.services:_lock_cart"),
    Step(words="write the order", place="orders.services:_store_order"),
    Step(words="reserve stock", place="catalog.stock:stock_reserve"),
    Step(words="write the event", place=EVENT),
    Step(words="place the order", place="orders.services:order_place"),
    Step(words="keep the answer", place=ANSWER_KEPT),
    Step(words="commit", place=COMMIT),
)
PAYMENT = (
    Step(words="write the payment", place="payments.services:_start_payment"),
    Step(words="commit the payment", place=COMMIT, nth=1),
    Step(words="ask the provider", place="payments.sandbox:Sandbox.charge"),
    Step(words="the provider's own commit", place=COMMIT, nth=2),
    Step(words="settle", place="payments.services:payment_settle"),
    Step(words="pay the order", place="payments.services:order_pay"),
    Step(words="sell stock", place="catalog.stock:stock_sell"),
    Step(words="write the event", place=PAYMENT_EVENT),
    Step(words="commit what came of it", place=COMMIT, nth=3),
    Step(words="write what came of it", place=SETTLED),
    Step(words="make the payment", place="payments.api:payment_make"),
    Step(words="keep the answer", place=ANSWER_KEPT),
)
WEBHOOK = (
    Step(words="handle the webhook", place="payments.api:webhook_receive"),
    Step(words="settle", place="payments.services:payment_settle"),
    Step(words="pay the order", place="payments.services:order_pay"),
    Step(words="commit what came of it", place=COMMIT),
    Step(words="keep the message", place="payments.services:_store_message"),
)
REFUND = (
    Step(words="decide the refund", place="payments.services:_decide_refund"),
    Step(words="return stock", place="catalog.stock:stock_return"),
    Step(words="commit the decision", place=COMMIT, nth=1),
    Step(words="send the refund", place=REFUND_SENT),
    Step(words="the provider refunds", place=PROVIDER_REFUNDS),
    Step(words="the provider's own commit of the refund", place=COMMIT, nth=2),
    Step(words="write the refund", place=SETTLED),
    Step(words="commit the refund", place=COMMIT, nth=3),
)
LATE_SUCCESS = (
    Step(words="write that it came too late", place=SETTLED, nth=1),
    Step(words="commit that it came too late", place=COMMIT, nth=1),
    Step(words="send the refund", place=REFUND_SENT),
    Step(words="the provider refunds", place=PROVIDER_REFUNDS),
    Step(words="the provider's own commit of the refund", place=COMMIT, nth=2),
    Step(words="write the refund", place=SETTLED, nth=2),
    Step(words="commit the refund", place=COMMIT, nth=3),
)
SETTLEMENT = (
    Step(words="look the charge up", place="payments.sandbox:Sandbox.lookup"),
    Step(words="settle", place="payments.services:payment_settle"),
    Step(words="pay the order", place="payments.services:order_pay"),
    Step(words="sell stock", place="catalog.stock:stock_sell"),
    Step(words="write the event", place=PAYMENT_EVENT),
    Step(words="write what came of it", place=SETTLED),
)
RESENDING = (
    Step(words="send the refund", place=REFUND_SENT),
    Step(words="the provider refunds", place=PROVIDER_REFUNDS),
    Step(words="write the refund", place=SETTLED),
)
EXPIRY = (
    Step(words="release stock", place="catalog.stock:stock_release"),
    Step(words="write the event", place=EVENT),
    Step(words="expire the order", place="orders.services:_expire_order"),
)
RELAY = (
    Step(words="send to the stream", place="redis.client:Pipeline.execute"),
    Step(words="make an event's fields", place="events.services:_fields", nth=2),
)

_REQUESTS = (*CHECKOUT, *PAYMENT, *WEBHOOK, *REFUND, *LATE_SUCCESS)
PLACES = tuple(sorted({step.place for step in _REQUESTS}))
WORKER_PLACES = tuple(sorted({step.place for step in (*EXPIRY, *SETTLEMENT, *RESENDING)}))
RELAY_PLACES = tuple(sorted({step.place for step in RELAY}))
