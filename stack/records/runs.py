"""Folders of runs: one a run; old ones are removed."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from stack.errors import UnknownRun
from stack.records import state, timeline

RUNS_KEPT = 20


def folder(work_tree: Path) -> Path:
    """Return the folder of all runs of a work tree."""
    return work_tree / ".stack" / "runs"


def recorded(work_tree: Path) -> list[Path]:
    """Return the folders of the runs that have a timeline, the newest first."""
    return sorted((path.parent for path in folder(work_tree).glob(f"*/{timeline.FILE}")), reverse=True)


def find(work_tree: Path, name: str) -> Path:
    """Return the folder of the run that is called so, or whose name has this part; `last` is the newest.

    Raises:
        UnknownRun: there is none, or there are several.
    """
    paths = recorded(work_tree)
    if name == "last" and paths:
        return paths[0]
    matching = [path for path in paths if name and name in path.name]
    exact = [path for path in matching if path.name == name]
    if not exact and len(matching) != 1:
        problem = f"{len(matching)} runs have {name!r}" if matching else f"No run has {name!r}"
        raise UnknownRun(f"{problem} in the name.", hint="`inv runs` lists them.")
    return (exact or matching)[0]


def of_stack(work_tree: Path, stack: str) -> list[Path]:
    """Return the folders of a stack's runs, the oldest first."""
    return _called(work_tree, re.escape(stack))


def of_ephemeral_stacks(work_tree: Path, project: str) -> list[Path]:
    """Return the folders of the runs of a project's ephemeral stacks, the oldest first."""
    return _called(work_tree, f"{re.escape(project)}-[0-9a-f]{{6}}")


def _called(work_tree: Path, pattern: str) -> list[Path]:
    """The folders that ``new_run`` named for stacks whose whole name has the pattern."""
    name = re.compile(rf"\d{{8}}-\d{{6}}-{pattern}(-[0-9a-f]{{4}})?")
    return sorted(path for path in folder(work_tree).glob("*") if name.fullmatch(path.name))


def new_run(work_tree: Path, name: str, *, clock: Callable[[], float] = time.time) -> Path:
    """Create the folder of a new run; remove the oldest ones, but for those of running stacks."""
    runs = folder(work_tree)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(clock()))
    run = runs / f"{stamp}-{name}"
    while run.exists():
        run = runs / f"{stamp}-{name}-{secrets.token_hex(2)}"
    run.mkdir(parents=True, mode=0o700)
    in_use = {stack.run for stack in state.readable()} | {str(run)}
    old = sorted(path for path in runs.iterdir() if path.is_dir() and str(path) not in in_use)
    for path in old[: -(RUNS_KEPT - 1)]:
        shutil.rmtree(path, ignore_errors=True)
    return run
