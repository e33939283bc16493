"""What a backup says about itself: a file that no flipped bit leaves believable.

``manifest.json`` is written in one canonical form and carries a checksum of itself, so that a change of any
byte of it is noticed, blanks included; every other file of the backup is in it with its size and SHA-256.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from stack.data.errors import BackupDamaged, BackupForeign, BackupNewer, BackupOtherServer, NotABackup
from stack.errors import StackError

FORMAT = 2
"""Since 2 it says who owns what and who may use it, and in which of Redis' databases each key lies."""
FILE = "manifest.json"
CHUNK_BYTES = 1 << 20
LIMIT_BYTES = 64 << 20
"""A manifest of a hundred thousand tables is smaller."""


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a backup."""

    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A backup. ``created`` is in ISO 8601, ``rows`` is table -> number, ``encryption`` age, gpg or empty.

    ``database_bytes`` is what the restored database takes. ``owners`` and ``grantees`` are the roles that its
    objects need, unset in one of format 1.
    """

    format: int
    project: str
    stack: str
    version: str
    created: str
    postgres: int
    migrations: tuple[str, ...]
    rows: Mapping[str, int]
    database_bytes: int
    redis_keys: int
    encryption: str
    files: Mapping[str, File]
    owners: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    grantees: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    checksum: str = ""


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into the folder of a backup."""
    text = _canonical(manifest)
    signed = msgspec.structs.replace(manifest, checksum=hashlib.sha256(text).hexdigest())
    (folder / FILE).write_bytes(_canonical(signed))


def read(folder: Path) -> Manifest:
    """Return the manifest of the backup in ``folder``.

    Raises:
        NotABackup: there is no such folder, or it holds no backup.
        BackupNewer: a newer version of this project wrote it.
        BackupDamaged: the manifest is not as it was written.
    """
    try:
        text = _read_file(folder / FILE)
    except OSError as error:
        what = _why_unreadable(folder) or f"holds no readable {FILE} ({error.strerror})"
        raise NotABackup(f"{folder} {what}.", hint="Name the folder that `inv backup` wrote.") from error
    _require_known_format(folder, text)
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(folder / FILE, f"cannot be read ({error})") from error
    unsigned = _canonical(msgspec.structs.replace(manifest, checksum=""))
    if _canonical(manifest) != text or hashlib.sha256(unsigned).hexdigest() != manifest.checksum:
        raise _damaged(folder / FILE, "is not as it was written")
    return manifest


def _read_file(path: Path) -> bytes:
    """Return what a regular file holds; anything else could be read for ever.

    Raises:
        OSError: it is another kind of file, cannot be read, or is too large.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if status.st_size > LIMIT_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {LIMIT_BYTES >> 20} MiB")
    return path.read_bytes()


def is_encrypted(folder: Path) -> bool:
    """Return whether ``folder`` holds an encrypted backup; one that cannot be read is none."""
    try:
        return bool(read(folder).encryption)
    except StackError:
        return False


def _why_unreadable(folder: Path) -> str:
    """Return what is wrong with the folder itself; nothing where that cannot be told."""
    with contextlib.suppress(OSError):
        if not folder.exists():
            return "does not exist"
        if not folder.is_dir():
            return "is a file, and no backup"
        if not any(folder.iterdir()):
            return "is empty"
    return ""


def _require_known_format(folder: Path, text: bytes) -> None:
    """Refuse a newer format before its unknown fields would look like damage."""

    class Head(msgspec.Struct):
        format: int
        checksum: str

    try:
        head = msgspec.json.decode(text, type=Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    unsigned = text.replace(head.checksum.encode(), b"", 1) if head.checksum else text
    if head.format > FORMAT and hashlib.sha256(unsigned).hexdigest() == head.checksum:
        raise BackupNewer(
            f"{folder} has the format {head.format}; this version reads {FORMAT} at most.",
            hint="Restore it with the version that wrote it, or a newer one.",
        )


def _canonical(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n"


def describe(path: Path) -> File:
    """Return size and SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return File(size_bytes=path.stat().st_size, sha256=digest.hexdigest())


def require_files(folder: Path, manifest: Manifest) -> None:
    """Check every file of a backup.

    Raises:
        BackupDamaged: one is missing or changed; it is named.
    """
    for name, expected in manifest.files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file() or path.is_symlink():
            raise _damaged(path, "is missing")
        if path.stat().st_size != expected.size_bytes:
            raise _damaged(path, f"has {path.stat().st_size} bytes instead of {expected.size_bytes}")
        if _checksum(path) != expected.sha256:
            raise _damaged(path, "is not as it was written (its SHA-256 differs)")


def _checksum(path: Path) -> str:
    try:
        return describe(path).sha256
    except OSError as error:
        raise _damaged(path, f"cannot be read ({error.strerror})") from error


def require_fitting(folder: Path, manifest: Manifest, *, project: str, postgres: int) -> None:
    """Check that a backup can be restored into a stack.

    Raises:
        BackupForeign: it is of another project.
        BackupOtherServer: it is of another major version of Postgres.
    """
    if manifest.project != project:
        raise BackupForeign(
            f"{folder} is a backup of {manifest.project}, not of {project}.", hint="Choose its own project."
        )
    if manifest.postgres != postgres:
        raise BackupOtherServer(
            f"{folder} was made with Postgres {manifest.postgres}; this stack runs Postgres {postgres}.",
            hint=f"Restore it into a stack with Postgres {manifest.postgres}.",
        )


def _damaged(path: Path, what: str) -> BackupDamaged:
    return BackupDamaged(f"{path} {what}.", hint="Nothing was changed. Use another backup.")
