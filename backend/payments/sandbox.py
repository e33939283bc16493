"""The built-in provider: it moves no money, and misbehaves on request.

| card | amount | what it does |
| --- | --- | --- |
| 4242424242424242 | any other | succeeds |
| 4000000000000002 | 402.02 | declines |
| 4000000000000119 | 408.08 | charges, but does not answer in time |
| 4000000000000259 | 425.25 | answers late, by webhook |
| 4000000000000341 | - | succeeds, and sends its webhook twice |
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.problems import Problem
from payments.models import SandboxCharge, SandboxRefund
from payments.protocol import Message, Outcome, ProviderTimeout
from payments.signatures import verify

LATE = timedelta(seconds=0.5)
BY_CARD = {"4000000000000002": "decline", "4000000000000119": "timeout", "4000000000000259": "late"}
BY_AMOUNT = {Decimal("402.02"): "decline", Decimal("408.08"): "timeout", Decimal("425.25"): "late"}
TWICE = "4000000000000341"
AMOUNT, MAXIMUM_REFERENCE = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?"), 40
"""Decimal() would take more for a number: "1e1", "1_0.00", other alphabets' digits, blanks."""
TYPES = {"payment.succeeded": "succeeded", "payment.declined": "declined", "payment.refunded": "refunded"}


class BadMessage(Problem):
    """The body of a signed webhook is not a message of the sandbox."""

    kind = "bad-webhook"


class Sandbox:
    """See `payments.protocol.Provider`."""

    name = "sandbox"

    def charge(self, *, reference: str, amount: Decimal, currency: str, card: str) -> Outcome:
        """Return the outcome that the card or the amount stands for. Raises: ProviderTimeout."""
        behaviour = BY_CARD.get(card) or BY_AMOUNT.get(amount, "succeed")
        charge, created = SandboxCharge.objects.get_or_create(
            reference=reference,
            defaults={
                "amount": amount,
                "currency": currency,
                "outcome": "declined" if behaviour == "decline" else "succeeded",
                "answers_at": timezone.now() + (LATE if behaviour == "late" else timedelta()),
                "deliveries_left": 2 if card == TWICE else 1,
            },
        )
        if behaviour == "timeout" and created:
            raise ProviderTimeout("The sandbox does not answer for this card.")
        return _outcome(charge)

    def lookup(self, *, reference: str) -> Outcome | None:
        """Return the outcome on record."""
        charge = SandboxCharge.objects.filter(reference=reference).first()
        return _outcome(charge) if charge else None

    @transaction.atomic
    def refund(self, *, reference: str, refund_reference: str, amount: Decimal) -> Outcome:
        """Record the refund once."""
        charge = SandboxCharge.objects.select_for_update().filter(reference=reference).first()
        if charge is not None:
            SandboxRefund.objects.get_or_create(
                reference=refund_reference, defaults={"charge": charge, "amount": amount}
            )
            charge.refunded = sum(refund.amount for refund in charge.refunds.all()) >= charge.amount
            charge.save(update_fields=["refunded"])
        return Outcome(state="refunded")

    def parse_webhook(self, *, body: bytes, signature: str) -> Message:
        """Return a webhook's content. Raises: BadSignature, BadMessage."""
        verify(body=body, secret=settings.PAYMENT_WEBHOOK_SECRET, signature=signature)
        try:
            return _message(json.loads(body))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadMessage("The webhook's body is not one of the sandbox's.") from error


def _outcome(charge: SandboxCharge) -> Outcome:
    if charge.refunded:
        return Outcome(state="refunded")
    if timedelta() < charge.answers_at - timezone.now() <= LATE:  # more: from before the clock was set back
        return Outcome(state="pending", reason="late")
    if charge.outcome == "declined":
        return Outcome(state="declined", reason="card-declined")
    return Outcome(state="succeeded")


def _message(content: dict[str, Any]) -> Message:
    data = content["data"]
    texts = [content["id"], content["type"], data["reference"], data["currency"], data["amount"]]
    refund = data.get("refund", _refund_reference(str(content["id"])))
    texts.append(refund)
    if not all(isinstance(text, str) and 0 < len(text) <= 80 and "\x00" not in text for text in texts):
        raise ValueError("members must be short texts")
    "".join(texts).encode()  # a lone surrogate is no text: UnicodeEncodeError is a ValueError
    if not AMOUNT.fullmatch(data["amount"]) or len(refund) > MAXIMUM_REFERENCE:
        raise ValueError("no amount of money, or no name of a refund")
    return Message(
        event_id=content["id"],
        type=content["type"],
        reference=data["reference"],
        amount=Decimal(data["amount"]),
        currency=data["currency"],
        outcome=Outcome(state=TYPES[content["type"]], reason="webhook"),  # type: ignore[arg-type]
        refund_reference=refund,
    )


def _refund_reference(event_id: str) -> str:
    # The same event sent again is the same refund.
    return f"evt_{hashlib.sha256(event_id.encode()).hexdigest()[:32]}"


def message_body(charge: SandboxCharge, delivery: str) -> bytes:
    """Return the body of the webhook about a charge's outcome."""
    kind = f"payment.{charge.outcome}"
    data = {"reference": charge.reference, "amount": f"{charge.amount:.2f}", "currency": charge.currency}
    return json.dumps({"id": f"evt_{charge.reference}_{delivery}", "type": kind, "data": data}).encode()
