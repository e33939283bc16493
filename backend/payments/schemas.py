"""Payments as JSON."""

from __future__ import annotations

from typing import Annotated

from ninja import Schema
from pydantic import StringConstraints

from core.schemas import Strict


class PaymentIn(Strict):
    """A card to charge."""

    card: Annotated[str, StringConstraints(pattern=r"^[0-9]{12,19}$")]


class WebhookOut(Schema):
    """Whether a webhook was new."""

    processed: bool
