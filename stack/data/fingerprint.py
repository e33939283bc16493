"""What decides the content of a prepared database, as a hash of the files that say it."""

from __future__ import annotations

import hashlib
from pathlib import Path

PATTERNS = (
    "*/migrations/*.py",
    "operations/seed*.py",
    "operations/management/commands/seed.py",
    "requirements.txt",
)
"""Migrations, the code that seeds, and the versions of the libraries that do both."""


def of_backend(project: Path) -> str:
    """Return the fingerprint of the backend's code in ``project``."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in PATTERNS for path in project.glob(pattern)):
        digest.update(str(path.relative_to(project)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
