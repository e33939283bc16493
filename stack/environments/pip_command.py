"""``pip install`` in a Dockerfile: its files are found on this machine, its requirements are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from stack.environments import requirements
from stack.environments.installation import Installation, pip_install
from stack.environments.project_metadata import python_wish

Locate = Callable[[str], Path | None]
"""A path as the command names it -> the file of this machine; None where there is none."""

_FILES: Final = {"-r": "-r", "--requirement": "-r", "-c": "-c", "--constraint": "-c"}
_EDITABLE: Final = frozenset(("-e", "--editable"))
_KEPT: Final = frozenset(("--extra-index-url", "--find-links", "-f"))
_DROPPED: Final = frozenset(
    (
        *("-i", "--index-url", "-t", "--target", "--prefix", "--root", "--cache-dir", "-w", "--wheel-dir"),
        *("--python", "--timeout", "--retries", "--trusted-host", "--cert", "--progress-bar", "--src"),
        *("--only-binary", "--no-binary", "--upgrade-strategy", "--root-user-action", "--platform"),
        *("--global-option", "--config-settings", "--log", "--proxy", "--link-mode"),
    )
)
"""Options with a value that say how pip works, not what it installs."""

_TOOLS: Final = frozenset(("pip", "uv", "poetry", "pdm", "pipenv", "virtualenv"))
"""Packages that only install others."""


def installation_of(words: Sequence[str], project: Path, locate: Locate) -> Installation | None:
    """Return what the words after ``pip install`` install; None where that is nothing of this machine."""
    kept: list[str] = []
    files: list[Installation] = []
    for option, value in _options(words):
        path = locate(value) if option in ("-r", "-c", "-e") else None
        if option in ("-r", "-c") and path is not None:
            files.append(requirements.of_file(path, project))
            kept += [option, str(path)]
        elif option == "-e" and path is not None:
            kept += ["--editable", str(path)]
        elif option in _KEPT:
            kept += [option, value]
        elif not option and _is_requirement(value):
            kept.append(value)
    if not files and all(word in _KEPT or before in _KEPT for before, word in pairwise(("", *kept))):
        return None  # only where packages are looked for
    inputs = tuple(file for each in files for file in each.inputs)
    editable = [Path(kept[index + 1]) for index, word in enumerate(kept) if word == "--editable"]
    metadata = tuple(file for each in editable for file in requirements.metadata_of(each))
    hashes = any("--require-hashes" in command for each in files for command in each.commands)
    return Installation(
        folder=project,
        commands=(pip_install(*(("--require-hashes",) if hashes else ()), *kept),),
        inputs=(*inputs, *metadata),
        lock=files[0].lock if files else None,
        python=python_wish(project),
        is_bound=bool(editable) or any(each.is_bound for each in files),
    )


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value, and each requirement with an empty option; flags are left out."""
    rest = iter(words)
    for word in rest:
        name, sign, value = word.partition("=")
        if name in _FILES or name in _EDITABLE or name in _KEPT or name in _DROPPED:
            text = value if sign else next(rest, "")
            option = _FILES.get(name) or ("-e" if name in _EDITABLE else name)
            if name not in _DROPPED:
                yield option, text
        elif match := re.fullmatch(r"-([rc])(.+)", word):
            yield f"-{match[1]}", match[2]
        elif word.startswith("-"):
            continue
        elif re.match(r"\.{0,2}/|\.{1,2}(\[|$)", word):
            yield "-e", word.partition("[")[0]
        else:
            yield "", word


def _is_requirement(word: str) -> bool:
    """Whether a word is a requirement by name, other than of a tool that only installs others."""
    name = re.match(r"[A-Za-z0-9][\w.-]*", word)
    return name is not None and name[0].lower() not in _TOOLS and not any(mark in word for mark in "*$`")
