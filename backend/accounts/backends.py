"""How passwords are checked: a limited number of attempts, and of checks at once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from core.throttling import client_key, password_hashing, throttle, throttle_reset


class ThrottledBackend(ModelBackend):
    """Check passwords like Django does, for the API and the admin alike, within RATE_LIMITS."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user, None for wrong credentials. Raises: TooManyRequests."""
        address = client_key(request.META["REMOTE_ADDR"]) if request else ""
        account = (username or "").strip().lower()
        with password_hashing.take():  # first: in a crowd, who is refused costs no question to Redis
            throttle("login-address", address)
            throttle("login-account", account)
            throttle("login-account-address", f"{account} {address}")
            user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is not None:
            throttle_reset("login-account", account)
            throttle_reset("login-account-address", f"{account} {address}")
        return user
