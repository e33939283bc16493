"""Reads of accounts."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import AccessToken, User
from core.tokens import token_digest, token_is_wellformed


def get_user_by_token(*, token: str) -> User | None:
    """Return the active user of a valid token, or None; a change of password ends earlier tokens."""
    if not token_is_wellformed(token):
        return None
    access = (
        AccessToken.objects.select_related("user")
        .filter(
            digest=token_digest(token), revoked_at=None, expires_at__gt=timezone.now(), user__is_active=True
        )
        .first()
    )
    if access is None or access.password_digest != access.user.password_digest():
        return None
    return access.user
