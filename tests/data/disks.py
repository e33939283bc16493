"""A disk with little room, and a command that finds it full half way."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.stack import ROOT, Done, Stack

FILLING = "filling"
"""The file that takes the room of a small disk."""

FILLED = f"""
import importlib, os, shutil, sys
module, name, folder, left_bytes = sys.argv[1:5]
before = getattr(importlib.import_module(module), name)
def filled(*words, **values):
    answer = before(*words, **values)
    with open(folder + "/{FILLING}", "wb") as file:
        size = shutil.disk_usage(folder).free - int(left_bytes)
        os.posix_fallocate(file.fileno(), 0, max(size, 1))
    return answer
setattr(importlib.import_module(module), name, filled)
from stack.control import standby
standby.run = lambda *words: None
sys.argv = ["inv", *sys.argv[5:]]
from invoke.main import program
program.run()
"""
"""Types a command that does its work itself; as soon as a function of ours has returned, all but a few bytes
of a disk are taken."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a disk of so many bytes in memory; it is unmounted with the block."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", str(folder)]
    mounted = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    if mounted.returncode:
        pytest.skip(f"what a full disk does was NOT tested, no disk can be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def typed_on_a_full_disk(
    stack: Stack, *words: str, after: tuple[str, str], disk: Path, left_bytes: int
) -> Done:
    """Type a command whose disk is full, but for so many bytes, once the function ``after`` has returned."""
    ended = subprocess.run(
        [sys.executable, "-c", FILLED, *after, str(disk), str(left_bytes),
         words[0], "--stack", stack.kind, *words[1:]],
        cwd=ROOT, env=stack.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    return Done(code=ended.returncode, output=ended.stdout)


def make_room(disk: Path) -> None:
    """Give back the room that was taken."""
    (disk / FILLING).unlink(missing_ok=True)


def fill(disk: Path) -> None:
    """Take all of the room, also what others take or give back meanwhile."""
    with contextlib.suppress(OSError), (disk / FILLING).open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))
