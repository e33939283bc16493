"""Pairs of keys by which a backup is encrypted and decrypted."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Keys:
    """For whom to encrypt, with which words and in which environment to decrypt."""

    recipient: str
    identity: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def age_identity(file: Path) -> Path:
    """Write a new private key of age to ``file``, and return that."""
    subprocess.run(["age-keygen", "-o", str(file)], capture_output=True, check=True)
    return file
