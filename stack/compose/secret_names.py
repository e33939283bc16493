"""Which variables hold a secret, by their names."""

from __future__ import annotations

import re

_SECRET = re.compile(r"PASSW|SECRET|TOKEN|PRIVATE|CREDENTIAL|API_?KEY", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Return whether a variable of this name holds a secret."""
    return _SECRET.search(name) is not None
