"""``python -m tools.locks``: check, offline, that every lock still satisfies what it was made from.

``[tool.stack.locks]`` of pyproject.toml is the one table of locks; `nox -s lock` makes them.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.commands import exit_code
from stack.environments.interpreters import Interpreter
from stack.environments.lockfile import check_lock
from stack.errors import LockMismatch
from stack.system.directories import ROOT

PYTHONS = ("3.11.0", "3.12.0", "3.13.0", "3.14.0")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A row of the table, paths from the repository's root.

    ``groups`` are the source's dependency groups, ``within`` is the lock whose versions this one keeps,
    ``alone`` leaves out the dependencies of the packages, ``python`` is the oldest that the lock is for.
    """

    target: str
    source: str
    groups: tuple[str, ...] = ()
    within: str = ""
    alone: bool = False
    python: str = "3.11"


def table(root: Path = ROOT) -> tuple[Lock, ...]:
    """Return every lock of the repository."""
    rows = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["stack"]["locks"]
    return tuple(
        Lock(target=target, **{**row, "groups": tuple(row.get("groups", ()))}) for target, row in rows.items()
    )


def compile_command(lock: Lock, options: Sequence[str]) -> list[str]:
    """Return uv's command, a module of Python's, that writes a lock."""
    words = ["--python-version", lock.python]
    words += [f"--group={lock.source}:{name}" for name in lock.groups]
    words += ["--constraint", lock.within] if lock.within else []
    words += ["--no-deps"] if lock.alone else []
    return [
        "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes",
        "--no-emit-index-url", "--custom-compile-command", "nox -s lock", *words, *options,
        lock.source, "--output-file", lock.target,
    ]  # fmt: skip


def check(lock: Lock, root: Path = ROOT) -> None:
    """Check, for every supported Python, that the lock pins what its source requires, with hashes.

    Raises:
        LockMismatch: names the first package that is missing, has a wrong version, or has no hash.
    """
    source, target = root / lock.source, root / lock.target
    pinned = target.read_bytes() if target.exists() else b""
    _check_pins(lock, _requirements(lock, source), source, target, pinned)
    if lock.within:
        outer = root / lock.within
        _check_pins(lock, (pin for pin, _ in _pins(outer.read_text(encoding="utf-8"))), outer, target, pinned)
    for pin, hashed in _pins(pinned.decode()):
        if not hashed:
            raise LockMismatch(
                f"{target} pins {pin} without a hash.", hint="Make it again with `nox -s lock`."
            )


def _check_pins(lock: Lock, requirements: Iterable[str], source: Path, target: Path, pinned: bytes) -> None:
    project = f"[project]\ndependencies = {json.dumps(list(requirements))}".encode()
    for version in PYTHONS:
        interpreter = Interpreter(path=Path(sys.executable), version=version)
        if interpreter.satisfies(f">={lock.python}"):
            check_lock(source, project, target, pinned, interpreter)


def _requirements(lock: Lock, source: Path) -> Iterator[str]:
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".in":
        lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
        yield from (line for line in lines if line)
        return
    project = tomllib.loads(text)
    yield from project["project"].get("dependencies", [])
    for group in lock.groups:
        yield from _group(project["dependency-groups"], group)


def _group(groups: dict[str, list[Any]], name: str) -> Iterator[str]:
    for entry in groups[name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _group(groups, entry["include-group"])


def _pins(text: str) -> Iterator[tuple[str, bool]]:
    """Return each requirement of a lock, and whether it has a hash."""
    for line in text.replace("\\\n", " ").splitlines():
        pin, _, hashes = line.split("#", 1)[0].partition(" --hash=")
        if pin.strip() and not pin.startswith("-"):
            yield pin.strip(), bool(hashes)


def main(root: Path = ROOT) -> int:
    """Check every lock and return the exit code."""

    def check_all() -> None:
        locks = table(root)
        for lock in locks:
            check(lock, root)
        print(f"{len(locks)} locks match what they were made from")

    return exit_code.run(check_all)


if __name__ == "__main__":
    sys.exit(main())
