"""The program that a service starts with: found, or refused with the cause and the cure."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from stack.errors import NotRunnable

HEAD_BYTES = 256
BINARY_HEADS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""ELF (elf(5)) and Mach-O, single and universal."""


def resolve(service: str, argv: tuple[str, ...], *, path: str, cwd: Path) -> tuple[str, ...]:
    """Return ``argv`` with the path of its program.

    Raises:
        NotRunnable: there is no such program, or the kernel would refuse it.
    """
    file = cwd / argv[0] if "/" in argv[0] else None
    if file is None:
        name = shutil.which(argv[0], path=path)
        file = Path(name) if name else None
    if file is None or not file.is_file():
        raise NotRunnable(
            f"services.{service}: there is no program {argv[0]!r} here ({cwd}).",
            hint="Check its command, give it an x-local command, or use --engine docker.",
        )
    require_executable(service, argv[0], file)
    return (str(file) if "/" in argv[0] else name or argv[0], *argv[1:])


def require_executable(service: str, word: str, file: Path) -> None:
    """Raise where the kernel would not run ``file``, which a service's command calls ``word``.

    Raises:
        NotRunnable: has the cause and the cure.
    """
    if refusal := _refusal(file):
        cause, cure = refusal
        raise NotRunnable(f"services.{service}: {word!r} cannot be run: {cause}.", hint=cure)


def _refusal(file: Path) -> tuple[str, str] | None:
    """The reason why the kernel would not run a file, and what to do about it (execve(2))."""
    if refusal := _refusal_of_head(file):
        return refusal
    return None if os.access(file, os.X_OK) else ("it is not executable", f"Run `chmod +x {file}`.")


def _refusal_of_head(file: Path) -> tuple[str, str] | None:
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError:
        return None  # it may be executed without being read
    if head.startswith(BINARY_HEADS) or (not head and sys.platform != "linux"):
        return None
    if not head.startswith(b"#!"):
        return "its first line names no interpreter", f"Write `#!/bin/sh` as the first line of {file}."
    line = head.split(b"\n", 1)[0]
    if line.endswith(b"\r"):
        cure = f"Run `sed -i 's/\\r$//' {file}`, and keep it so: `{file.name} text eol=lf` in .gitattributes."
        return "its lines end as on Windows (CRLF)", cure
    interpreter = line[2:].split()[0].decode(errors="replace") if line[2:].split() else ""
    if not Path(interpreter).exists():
        return f"there is no {interpreter or 'interpreter'} here", f"Correct the first line of {file}."
    return None
