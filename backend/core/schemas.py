"""JSON shapes that several apps share."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, field_serializer

from core.problems import Unprocessable

DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class MoneyOut(Schema):
    """An exact amount as a decimal string, and its ISO 4217 currency."""

    amount: Decimal
    currency: str

    @field_serializer("amount")
    def amount_as_text(self, amount: Decimal) -> str:
        """Return the amount with two decimals."""
        return f"{amount:.2f}"


class ProblemError(Schema):
    """Where the input is wrong, and how."""

    location: list[str]
    message: str


class ProblemOut(Schema):
    """Every error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[ProblemError] = []


def require_digits(value: Any) -> Any:
    """Return a number of a query unchanged. Raises: ValueError for "1_0", " 10" or "1e1"."""
    if isinstance(value, str) and not DIGITS.fullmatch(value):
        raise ValueError("Input should be a number in digits")
    return value


PageSize = Annotated[int, Field(ge=1, le=100), BeforeValidator(require_digits)]
"""How many items a page may have."""


class Strict(Schema):
    """A body that refuses members it does not know."""

    model_config = ConfigDict(extra="forbid")


def reject_unknown_parameters(request: HttpRequest, known: type[Schema]) -> None:
    """Make a misspelt query parameter an error instead of a filter without effect.

    Raises: UnknownParameter.
    """
    unknown = sorted(set(request.GET) - set(known.model_fields))
    if unknown:
        errors = [
            {"location": ["query", name[:100]], "message": "Unknown parameter"} for name in unknown[:20]
        ]
        raise UnknownParameter("The request is not valid.", errors=errors)


class UnknownParameter(Unprocessable):
    """A query parameter that the operation does not have."""

    kind = "validation"


def problems(*statuses: int) -> dict[int, Any]:
    """Return the `response` entries of the errors that an operation may return."""
    return dict.fromkeys(statuses, ProblemOut)
