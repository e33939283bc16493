"""The configuration file of Redis or Valkey, as the server of this machine can read it (redis.conf).

The server stops at the first line whose path is not there, also where a later word would replace it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stack.engines.local.accounts import allow_traversal, chown_tree
from stack.plan.addresses import rewrite_words

DECIDED: Final = frozenset(("bind", "protected-mode", "port", "dir", "daemonize", "logfile"))
"""What the engine decides."""


def write_copy(file: Path, folder: Path, *, data: Mapping[str, Path], user: str | None) -> Path:
    """Write ``file`` into ``folder``, with the paths of this machine and without what the engine decides.

    The copy belongs to ``user``, for it may hold passwords, and the server may write to it.
    """
    lines = file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    kept = [line for line in lines if DECIDED.isdisjoint(line.lower().split(maxsplit=1)[:1])]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    copy = folder / file.name
    copy.touch(mode=0o600)
    text = "".join(f"{line}\n" for line in rewrite_words(kept, data))
    copy.write_text(text, encoding="utf-8", errors="surrogateescape")
    chown_tree(folder, user)
    allow_traversal(copy, user)
    return copy
