"""Who somebody is."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import AccessToken, User
from core.tokens import token_digest, token_is_wellformed


def user_of_token(*, token: str) -> User | None:
    """Answers the active user whom a live token stands for, or None."""
    if not token_is_wellformed(token):
        return None
    found = (
        AccessToken.objects.select_related("user")
        .filter(
            digest=token_digest(token), revoked_at=None, expires_at__gt=timezone.now(), user__is_active=True
        )
        .first()
    )
    return found.user if found else None
