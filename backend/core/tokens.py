"""Unguessable tokens; only their digests are stored."""

from __future__ import annotations

import hashlib
import re
import secrets

SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


def token_make() -> str:
    """Answers a new token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """Answers what is stored of a token. A fast hash will do: nobody guesses 256 bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_is_wellformed(token: str) -> bool:
    """Answers whether this could be one of our tokens."""
    return SHAPE.fullmatch(token) is not None
