"""Unguessable tokens; only their digests are stored."""

from __future__ import annotations

import hashlib
import re
import secrets

SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


def token_make() -> str:
    """Return a new token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """Return the digest that is stored of a token. A fast hash will do: 256 bits cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_is_wellformed(token: str) -> bool:
    """Return whether a text has the form of our tokens."""
    return SHAPE.fullmatch(token) is not None
