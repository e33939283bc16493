"""Encrypting a backup for recipients, by age (https://age-encryption.org) or GnuPG, as it is written."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stack.data.errors import BackupSealed
from stack.errors import CommandFailed, InvalidOption, ServerMissing
from stack.system import pipelines

LIMIT_S = 600.0
GPG = ("gpg", "--batch", "--quiet", "--no-auto-key-locate")
"""GnuPG with the keys that it holds: by itself it takes one for an unknown address from the network."""


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """For whom a backup is encrypted. ``program`` is age or gpg."""

    program: str
    recipients: tuple[str, ...]

    def command(self) -> list[str]:
        """Return the command that encrypts its input."""
        words = [word for recipient in self.recipients for word in ("--recipient", recipient)]
        if self.program == "age":
            return ["age", "--encrypt", *words]
        return [*GPG, "--trust-model", "always", *words, "--encrypt"]


def for_recipients(recipients: list[str]) -> Encryption | None:
    """Return how to encrypt for ``recipients``: age's begin with ``age1`` or ``ssh-``; none, no encryption.

    Raises:
        ServerMissing: the program is not installed.
        InvalidOption: it knows no such recipient.
    """
    if not recipients:
        return None
    program = "age" if all(r.startswith(("age1", "ssh-")) for r in recipients) else "gpg"
    require(program)
    encryption = Encryption(program=program, recipients=tuple(recipients))
    try:
        encrypted(b"", encryption)
    except CommandFailed as error:
        raise InvalidOption(
            f"--encrypt: {program} cannot encrypt for {', '.join(recipients)}: {_last_line(error)}",
            hint="A recipient is age's public key (age1...), an SSH public key, or a key that GnuPG holds.",
        ) from error
    return encryption


def require(program: str) -> None:
    """Check that the program is installed.

    Raises:
        ServerMissing: it is not.
    """
    if shutil.which(program) is None:
        package = "age" if program == "age" else "gnupg"
        raise ServerMissing(f"There is no program {program} here.", hint=f"Install it (Debian: {package}).")


def decrypt_command(program: str, identity: Path | None) -> list[str]:
    """Return the command that decrypts its input; ``identity`` is age's file of the private key.

    Raises:
        ServerMissing: the program is not installed.
    """
    require(program)
    if program == "age":
        return ["age", "--decrypt", *(["--identity", str(identity)] if identity is not None else [])]
    return [*GPG, "--decrypt"]


def encrypted(data: bytes, encryption: Encryption) -> bytes:
    """Return ``data`` encrypted."""
    return _through(encryption.command(), data)


def decrypted(data: bytes, program: str, identity: Path | None) -> bytes:
    """Return ``data`` decrypted.

    Raises:
        ServerMissing: the program is not installed.
        BackupSealed: there is no private key for it.
    """
    try:
        return _through(decrypt_command(program, identity), data)
    except CommandFailed as error:
        raise BackupSealed(
            f"The backup is encrypted, and {program} could not decrypt it: {_last_line(error)}",
            hint="Give age's private key by `--identity FILE`; GnuPG looks for it in its own home.",
        ) from error


def _last_line(error: CommandFailed) -> str:
    lines = [line for line in error.output.strip().splitlines() if line and "report unexpected" not in line]
    return (lines or [str(error)])[-1]


def _through(command: list[str], data: bytes) -> bytes:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(data)
        source.seek(0)
        environment = dict(os.environ)
        pipelines.pipeline(
            [command], env=environment, source=source.fileno(), target=target.fileno(), timeout_s=LIMIT_S
        )
        target.seek(0)
        return target.read()
