"""Which files of an image a Dockerfile makes executable: ``RUN chmod +x FILE``, ``COPY --chmod=755``.

A file that lies here without that bit runs in a container all the same.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

_SEPARATOR: Final = re.compile(r"&&|\|\||[;\n]")
_OCTAL: Final = re.compile(r"[0-7]{3,4}")


def adds_execution(mode: str) -> bool:
    """Return whether a mode of chmod(1) lets the owner execute a file."""
    if _OCTAL.fullmatch(mode):
        return int(mode[-3]) % 2 == 1
    return any(re.fullmatch(r"[ua]*[ugoa]*[+=][rwXst]*x[rwXst]*", each) for each in mode.split(","))


def carried(files: Mapping[str, Path], executable: Iterable[Path]) -> Iterator[str]:
    """Yield the paths of the image at which one of the ``executable`` files and folders is copied."""
    for (path, file), each in itertools.product(files.items(), executable):
        if file.is_relative_to(each):
            yield path
        elif each.is_relative_to(file):
            yield posixpath.join(path, str(each.relative_to(file)))


def made_executable(text: str, working_dir: str) -> Iterator[str]:
    """Yield the paths of the image that a ``RUN`` makes executable; a folder stands for all that it holds."""
    for part in _SEPARATOR.split(text):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue
        if words[:1] != ["chmod"]:
            continue
        plain = [word for word in words[1:] if not re.fullmatch(r"-[Rfvc]+|--\w+", word)]
        if plain and adds_execution(plain[0]):
            yield from (posixpath.normpath(posixpath.join(working_dir, path)) for path in plain[1:])
