"""Registration, login and logout."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import AccessToken, User
from core.problems import Unauthorized, Unprocessable
from core.throttling import password_hashing
from core.tokens import token_digest, token_make


class PasswordRefused(Unprocessable):
    """The password breaks a rule."""

    kind = "validation"


class LoginRefused(Unauthorized):
    """Wrong address or password; the message does not tell which."""

    kind = "login-refused"


@dataclass(frozen=True, kw_only=True)
class Login:
    """A user with a fresh token; the only moment at which the token itself is known."""

    user: User
    token: str
    expires_at: datetime


def user_register(*, email: str, password: str, name: str) -> None:
    """Store a new customer; an address that has an account already keeps its password and its name.

    Both take the time of a hash, so that the time does not tell the one from the other. Raises:
    PasswordRefused, TooManyRequests.
    """
    user = User(email=email.strip().lower(), name=name.strip())
    _set_password(user, password, member="password")
    with suppress(IntegrityError), transaction.atomic():
        user.save()


def _set_password(user: User, password: str, *, member: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        errors = [{"location": ["body", member], "message": message} for message in error.messages]
        raise PasswordRefused("The password is not acceptable.", errors=errors) from error
    with password_hashing.take():
        user.set_password(password)


def password_change(*, request: HttpRequest, user: User, current: str, new: str) -> Login:
    """Change a password, end every token and session of the user, and return a new token.

    Raises: LoginRefused, PasswordRefused, TooManyRequests.
    """
    if authenticate(request, username=user.email, password=current) is None:
        raise LoginRefused("The current password is wrong.")
    _set_password(user, new, member="new_password")
    with transaction.atomic():
        user.save(update_fields=["password"])
        AccessToken.objects.filter(user=user).delete()
        return token_issue(user=user)


def user_login(*, request: HttpRequest, email: str, password: str) -> Login:
    """Return a new token. Raises: LoginRefused, TooManyRequests."""
    user = authenticate(request, username=email.strip().lower(), password=password)
    if not isinstance(user, User):
        raise LoginRefused("The email address or the password is wrong.")
    return token_issue(user=user)


def token_issue(*, user: User) -> Login:
    """Store a token's digest and return the token."""
    token, expires_at = token_make(), timezone.now() + timedelta(hours=settings.TOKEN_HOURS)
    AccessToken.objects.create(
        user=user,
        digest=token_digest(token),
        password_digest=user.password_digest(),
        expires_at=expires_at,
    )
    return Login(user=user, token=token, expires_at=expires_at)


def token_revoke(*, token: str) -> None:
    """Revoke a token; an unknown one is no error."""
    AccessToken.objects.filter(digest=token_digest(token), revoked_at=None).update(revoked_at=timezone.now())
