"""Bearer tokens on requests."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from accounts.models import User
from accounts.selectors import user_of_token
from core.problems import Unauthorized


class Bearer(HttpBearer):
    """Demands a live token."""

    def __call__(self, request: HttpRequest) -> User:
        """Answers the user. Raises: Unauthorized."""
        user = current_user(request)
        if user is None:
            raise Unauthorized("Log in first: send the token as 'Authorization: Bearer TOKEN'.")
        return user

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Answers the user of a token."""
        del request
        return user_of_token(token=token)


def current_user(request: HttpRequest) -> User | None:
    """Answers the user of the request's token, None without one. Raises: Unauthorized for a bad one."""
    token = bearer_token(request)
    if token is None:
        return None
    user = user_of_token(token=token)
    if user is None:
        raise Unauthorized("This token is unknown, expired or revoked: log in again.")
    return user


def bearer_token(request: HttpRequest) -> str | None:
    """Answers the text of the bearer token, if the request carries one."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None
