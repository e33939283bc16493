"""Signatures of webhooks: HMAC-SHA-256 over the time and the body, as `t=SECONDS,v1=HEX`."""

from __future__ import annotations

import hashlib
import hmac
import re
import time

from core.problems import Unauthorized

TOLERANCE_S = 300
SHAPE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


class BadSignature(Unauthorized):
    """The signature does not fit the secret, the body or the time."""

    kind = "bad-signature"
    headers = {"WWW-Authenticate": 'X-Sandbox-Signature realm="webhooks"'}


def sign(*, body: bytes, secret: str, at_s: int | None = None) -> str:
    """Return the header's value for a body signed at a time (seconds since 1970)."""
    at_s = int(time.time()) if at_s is None else at_s
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def verify(*, body: bytes, secret: str, signature: str, now_s: float | None = None) -> None:
    """Raise BadSignature unless the signature is valid."""
    match = SHAPE.fullmatch(signature)
    if not match:
        raise BadSignature("The signature is missing or malformed.")
    at_s = int(match[1])
    if abs((time.time() if now_s is None else now_s) - at_s) > TOLERANCE_S:
        raise BadSignature("The signature is too old.")
    if not hmac.compare_digest(sign(body=body, secret=secret, at_s=at_s), signature):
        raise BadSignature("The signature does not fit the body.")
