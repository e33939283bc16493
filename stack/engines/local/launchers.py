"""Scripts that an image makes executable and that are not so here: each is started by a launcher.

A launcher calls the script's interpreter, as the kernel would (execve(2)). The script stays where and as it
is: what lies beside it is found, and what was saved is run.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

from stack.plan import copied_files
from stack.plan.plan import ServicePlan
from stack.plan.scripts import interpreter_words, is_shell_script


def replace_scripts(plan: ServicePlan, launcher: Callable[[Path], str]) -> tuple[str, ...]:
    """Return the command of a service with a launcher in place of each such script.

    A script may be the program itself, an argument of a shell script (which ends in ``exec "$@"``), or the
    first word of what a shell is to run.
    """
    argv = plan.argv
    if len(argv) == 3 and argv[1] == "-c":
        word, blank, rest = argv[2].partition(" ")
        return (*argv[:2], f"{_replaced(word, plan, launcher)}{blank}{rest}")
    starts_script = bool(argv) and is_shell_script(plan.cwd / argv[0])
    return tuple(
        _replaced(word, plan, launcher) if index == 0 or starts_script else word
        for index, word in enumerate(argv)
    )


def script_text(plan: ServicePlan) -> str:
    """Return the shell text that a service starts with: that of its scripts, and what a shell is told."""
    files = [plan.cwd / word for word in plan.argv if "/" in word]
    texts = [file.read_text(errors="replace") for file in files if file.is_file() and is_shell_script(file)]
    return "\n".join((*texts, *(plan.argv[2:3] if plan.argv[1:2] == ("-c",) else ())))


def write_launcher(script: Path, folder: Path) -> str:
    """Write the launcher of a script into ``folder``; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / str(script).strip("/").replace("/", "-")
    launcher.write_text(
        f'#!/bin/sh\nexec {shlex.join(interpreter_words(script))} {shlex.quote(str(script))} "$@"\n'
    )
    launcher.chmod(0o755)
    return str(launcher)


def _replaced(word: str, plan: ServicePlan, launcher: Callable[[Path], str]) -> str:
    file = plan.cwd / word
    if "/" not in word or not file.is_file() or os.access(file, os.X_OK) or not interpreter_words(file):
        return word
    return launcher(file) if _is_made_executable(file, plan) else word


def _is_made_executable(file: Path, plan: ServicePlan) -> bool:
    """Whether the image has ``file`` as an executable; what a mount hides is as it is here."""
    hidden = tuple(f"{target.rstrip('/')}/" for target in plan.folders)
    paths = [path for path in plan.image.executable if not f"{path}/".startswith(hidden)]
    local = (copied_files.host_path(path, plan.image.files) for path in paths)
    return any(each is not None and file.is_relative_to(each) for each in local)
