"""Records as JSON files: typed, replaced whole or not at all, readable by this user alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from stack.errors import StateUnreadable
from stack.system import files

T = TypeVar("T")


def write(path: Path, record: object) -> None:
    """Write ``record`` as indented JSON, mode 0600."""
    encoded = msgspec.json.encode(record, enc_hook=_path_to_text)
    files.write_atomically(path, msgspec.json.format(encoded, indent=1).decode())


def read(path: Path, kind: type[T]) -> T:
    """Return the record of type ``kind`` that ``path`` holds.

    Raises:
        FileNotFoundError: there is no such file.
        StateUnreadable: it is damaged, from another version, or something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind, dec_hook=_text_to_path)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateUnreadable(
            f"{path} is damaged or from another version ({error}).",
            hint="`inv prune` sets it aside and ends what it left.",
        ) from error


def _path_to_text(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value)} has no JSON form")


def _text_to_path(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(f"{kind} has no JSON form")
