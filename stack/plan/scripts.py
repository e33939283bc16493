"""Scripts: which program runs a file, as its first line says (``#!``, execve(2))."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HEAD_BYTES: Final = 256
SHELLS: Final = frozenset(("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"))


def interpreter_words(script: Path) -> list[str]:
    """Return the words of a script's first line; none where it has no such line or the kernel refuses it."""
    with script.open("rb") as stream:
        line = stream.read(HEAD_BYTES).partition(b"\n")[0]
    if not line.startswith(b"#!") or line.endswith(b"\r"):
        return []
    return line[2:].decode(errors="replace").split(maxsplit=1)


def is_shell_script(file: Path) -> bool:
    """Return whether a shell runs the file; one that is absent is no script."""
    words = " ".join(interpreter_words(file) if file.is_file() else []).split()
    return any(word.rpartition("/")[2] in SHELLS for word in words)
