"""Which state may follow which: the one table."""

from __future__ import annotations

from core.problems import Conflict
from orders.models import OrderState

ALLOWED: dict[str, frozenset[str]] = {
    OrderState.PENDING_PAYMENT: frozenset({OrderState.PAID, OrderState.CANCELLED, OrderState.EXPIRED}),
    OrderState.PAID: frozenset({OrderState.FULFILLED, OrderState.REFUNDED}),
    OrderState.FULFILLED: frozenset({OrderState.REFUNDED}),
    OrderState.CANCELLED: frozenset(),
    OrderState.EXPIRED: frozenset(),
    OrderState.REFUNDED: frozenset(),
}


class NotAllowed(Conflict):
    """The order's state does not allow this."""

    kind = "order-state"


def demand(present: str, wanted: str) -> None:
    """Answers nothing where the step is allowed. Raises: NotAllowed."""
    if wanted not in ALLOWED[present]:
        raise NotAllowed(f"An order that is {present} cannot become {wanted}.", state=str(present))
