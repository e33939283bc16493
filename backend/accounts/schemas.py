"""Accounts as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Schema
from pydantic import AfterValidator, StringConstraints

from core.schemas import Strict

# `\s` is not the same in ECMA 262, which reads our OpenAPI, as in the regular expressions that check here.
SPACES = r" \x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
MAXIMUM_EMAIL = 254


def require_short_in_lower_case(email: str) -> str:
    """Return an address unchanged. Raises: ValueError where it is too long as it is stored.

    Some letters become two in lower case.
    """
    if len(email.lower()) > MAXIMUM_EMAIL:
        raise ValueError(f"String should have at most {MAXIMUM_EMAIL} characters in lower case")
    return email


# Deliberately plainer than RFC 5322: one @, a dot in the domain, nothing that could split a header.
Email = Annotated[
    str,
    StringConstraints(
        pattern=rf"^[^@\x00-\x1f{SPACES}]{{1,64}}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=MAXIMUM_EMAIL
    ),
    AfterValidator(require_short_in_lower_case),
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class RegisterIn(Strict):
    """A new customer."""

    email: Email
    password: Password
    name: Annotated[str, StringConstraints(max_length=150, pattern=r"^[^\x00]*$")] = ""


class RegisteredOut(Schema):
    """A registration was accepted. Whether the address had an account already is not told."""

    email: str


class LoginIn(Strict):
    """The credentials of a login."""

    email: Email
    password: Password


class PasswordChangeIn(Strict):
    """The current password and the new one."""

    current_password: Password
    new_password: Password


class CustomerOut(Schema):
    """What a customer sees of their account."""

    email: str
    name: str
    created_at: datetime


class LoginOut(Schema):
    """A fresh token; it is not shown again."""

    token: str
    expires_at: datetime
    customer: CustomerOut
