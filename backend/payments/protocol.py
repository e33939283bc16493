"""What the shop asks of a payment provider, and the messages between them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The state of one reference, as its provider reports it."""

    state: Literal["pending", "succeeded", "declined", "refunded"]
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A verified webhook. Of a refund, `amount` may be a part, and `refund_reference` is its name."""

    event_id: str
    type: str
    reference: str
    amount: Decimal
    currency: str
    outcome: Outcome
    refund_reference: str = ""


class ProviderTimeout(Exception):
    """The provider did not answer in time; whether it charged the card is not known."""


class Provider(Protocol):
    """All calls are idempotent by reference."""

    name: str

    def charge(self, *, reference: str, amount: Decimal, currency: str, card: str) -> Outcome:
        """Charge the card once, however often it is called. Raises: ProviderTimeout."""

    def lookup(self, *, reference: str) -> Outcome | None:
        """Return the state of a reference, None where it is unknown. Raises: ProviderTimeout."""

    def refund(self, *, reference: str, refund_reference: str, amount: Decimal) -> Outcome:
        """Send money back, once for every `refund_reference`. Raises: ProviderTimeout."""

    def parse_webhook(self, *, body: bytes, signature: str) -> Message:
        """Return a webhook's content after its signature was verified. Raises: Problem."""
