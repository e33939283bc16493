"""A copy of the work tree, its lines cut and put back, and whatever ran in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from faults.settings import CONTAINERS, ENGINE
from faults.tree import remove_shared_folders, stacks_below
from stack.engines import registry
from unprotected.protection import ROOT, Cut

COMPILED = ("stack", "tests", "backend", "ai-services")


def copy(target: Path) -> Path:
    """Copy the files of the work tree as they are now, tracked or new.

    They are compiled by content: two changes within a second are never mistaken for each other.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    options = ["-m", "compileall", "-q", "--invalidation-mode", "checked-hash", *COMPILED]
    subprocess.run([sys.executable, *options], cwd=target, check=True)
    return target


@contextlib.contextmanager
def without(cuts: tuple[Cut, ...], tree: Path) -> Iterator[None]:
    """Make the cuts, and undo them afterwards.

    Raises:
        LookupError: the text of a cut is not in its file, or more than once: the row is out of date.
    """
    originals = {cut.file: (tree / cut.file).read_text(encoding="utf-8") for cut in cuts}
    try:
        for cut in cuts:
            text = (tree / cut.file).read_text(encoding="utf-8")
            if (count := text.count(cut.old)) != 1:
                raise LookupError(f"{cut.file} has {count} times, not once: {cut.old!r}")
            (tree / cut.file).write_text(text.replace(cut.old, cut.new), encoding="utf-8")
        yield
    finally:
        for name, text in originals.items():
            (tree / name).write_text(text, encoding="utf-8")


def temporary(home: Path) -> Path:
    """Return where the tests' temporary files are made."""
    return home / "temporary"


def clean_up(home: Path) -> None:
    """End and remove all that tests left below ``home``: without its protection, the engine leaves things."""
    for process in list(psutil.process_iter()):
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and any(str(home) in argument for argument in process.cmdline()):
                process.kill()
    for state_home in home.glob("tests/*/home"):
        os.environ["STACK_HOME"] = str(state_home)
        remove_shared_folders()
    for name in stacks_below(home) if CONTAINERS else ():
        registry.remove_leftovers(ENGINE, name, volumes=True)
    for disk in psutil.disk_partitions(all=True):
        if disk.mountpoint.startswith(f"{home}/"):
            subprocess.run(["umount", "--lazy", disk.mountpoint], check=True)
    shutil.rmtree(home / "tests", ignore_errors=True)
    shutil.rmtree(temporary(home), ignore_errors=True)
    temporary(home).mkdir()
