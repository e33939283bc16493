"""The table of allowed state transitions of orders."""

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


class TransitionNotAllowed(Conflict):
    """The order's state does not allow this step."""

    kind = "order-state"


def ensure_transition_allowed(current: str, target: str) -> None:
    """Raise TransitionNotAllowed unless an order may go from one state to the other."""
    if target not in ALLOWED[current]:
        raise TransitionNotAllowed(f"An order that is {current} cannot become {target}.", state=str(current))
