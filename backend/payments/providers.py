"""What the shop asks of whoever moves the money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a provider says of one reference."""

    state: Literal["pending", "succeeded", "declined", "refunded"]
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A verified webhook."""

    event_id: str
    type: str
    reference: str
    amount: Decimal
    currency: str
    outcome: Outcome


class ProviderTimeout(Exception):
    """The provider did not answer in time; whether it charged is not known."""


class Provider(Protocol):
    """All calls are idempotent by reference."""

    name: str

    def charge(self, *, reference: str, amount: Decimal, currency: str, card: str) -> Outcome:
        """Moves money once, however often it is called. Raises: ProviderTimeout."""

    def lookup(self, *, reference: str) -> Outcome | None:
        """Answers what is known of a reference, None where it never arrived. Raises: ProviderTimeout."""

    def refund(self, *, reference: str) -> Outcome:
        """Moves the money back once. Raises: ProviderTimeout."""

    def message_of(self, *, body: bytes, signature: str) -> Message:
        """Answers a webhook's content after checking who signed it. Raises: Problem."""


def provider_named(name: str) -> Provider:
    """Answers a provider. Raises: KeyError for a name that is none."""
    from payments.sandbox import Sandbox

    return {"sandbox": Sandbox()}[name]
