"""Bearer tokens on requests."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from accounts.models import User
from accounts.selectors import get_user_by_token
from core.problems import Unauthorized


class TokenInvalid(Unauthorized):
    """The request carries a token that is not valid."""

    headers = {"WWW-Authenticate": 'Bearer realm="shop", error="invalid_token"'}


class Bearer(HttpBearer):
    """Require a valid token."""

    def __call__(self, request: HttpRequest) -> User:
        """Return the user. Raises: Unauthorized."""
        user = current_user(request)
        if user is None:
            raise Unauthorized("Log in first: send the token as 'Authorization: Bearer TOKEN'.")
        return user

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the user of a token."""
        del request
        return get_user_by_token(token=token)


def current_user(request: HttpRequest) -> User | None:
    """Return the user of the request's token, None without one. Raises: Unauthorized for an invalid one."""
    token = bearer_token(request)
    if token is None:
        return None
    user = get_user_by_token(token=token)
    if user is None:
        raise TokenInvalid("This token is unknown, expired or revoked: log in again.")
    return user


def bearer_token(request: HttpRequest) -> str | None:
    """Return the text of the bearer token, if the request carries one."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None
