"""The secrets that production accepts."""

from __future__ import annotations

from config.env import BadEnvironment

MINIMUM_LENGTH = 50
DEFAULTS = ("development-", "ci-", "test-", "sandbox-", "django-insecure-")


def require_secret(name: str, value: str) -> str:
    """Return the secret. Raises: BadEnvironment when it is missing, a default or guessable.

    The bounds are those of Django's check security.W009: 50 characters, 5 different ones.
    """
    if not value:
        raise BadEnvironment(f"{name} is not set: production does not start without its own secret.")
    if value.startswith(DEFAULTS):
        raise BadEnvironment(f"{name} is a published default: production needs a secret of its own.")
    if len(value) < MINIMUM_LENGTH or len(set(value)) < 5:
        raise BadEnvironment(
            f"{name} is too weak: at least {MINIMUM_LENGTH} characters, 5 of them different."
        )
    return value
