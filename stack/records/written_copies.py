"""The files that a stack puts into a project for what its Dockerfiles write there, and their removal.

They are on record before they are made, so that whoever cleans up after a killed guardian finds them.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from stack.errors import StateUnreadable
from stack.records import record_file


class WrittenCopies(msgspec.Struct, frozen=True, kw_only=True):
    """Each copy with the SHA-256 of its content, and the folders made for them, the outer ones first."""

    digests: Mapping[str, str]
    folders: tuple[str, ...]


def make(folder: Path, copies: Mapping[Path, Path]) -> None:
    """Make copies, each with its origin, where nothing is yet; ``folder`` keeps the record of them."""
    new = {copy: origin for copy, origin in copies.items() if not (copy.exists() or copy.is_symlink())}
    if not new:
        return
    above = {parent for copy in new for parent in copy.parents if not parent.exists()}
    digests = {str(copy): _digest(origin) for copy, origin in new.items()}
    record = WrittenCopies(digests=digests, folders=tuple(sorted(map(str, above))))
    record_file.write(_record(folder), record)
    for copy, origin in new.items():
        with contextlib.suppress(OSError):  # the project cannot be written to
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, copy)


def remove(folder: Path) -> None:
    """Remove the copies that are on record, unless somebody changed one, and the folders made for them."""
    try:
        record = record_file.read(_record(folder), WrittenCopies)
    except (FileNotFoundError, StateUnreadable):
        return
    for name, digest in record.digests.items():
        with contextlib.suppress(OSError):
            if _digest(Path(name)) == digest:
                Path(name).unlink()
    for name in reversed(record.folders):
        with contextlib.suppress(OSError):  # something else is in it
            Path(name).rmdir()
    _record(folder).unlink()


def _record(folder: Path) -> Path:
    return folder / "written-copies.json"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
