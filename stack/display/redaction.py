"""Mask secrets in what is shown or written."""

from __future__ import annotations

import re
from collections.abc import Mapping

MASK = "***"
_SECRET_KEY = re.compile(r"PASSW|SECRET|TOKEN|PRIVATE|CREDENTIAL|API_?KEY", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):([^@/\s]+)@")


def redact_url(text: str) -> str:
    """Return ``text`` with the password of every URL in it masked (RFC 3986, userinfo)."""
    return _URL_PASSWORD.sub(lambda match: f"{match[1]}:{MASK}@", text)


def redact(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that may be shown: values of secret-looking names and URL passwords masked."""
    return {
        key: MASK if _SECRET_KEY.search(key) and value else redact_url(value)
        for key, value in environment.items()
    }
