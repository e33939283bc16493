"""What a project asks for and what its lock pins: the two are compared before anything is installed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import LockMismatch


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python interpreter: its real path and full version."""

    path: Path
    version: str

    def satisfies(self, specifier: str) -> bool:
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(specifier).contains(self.version, prereleases=True)


def required_python(project: Path, pyproject: bytes) -> str:
    """Return ``requires-python``, empty where the project has no opinion."""
    return str(_project_table(project, pyproject).get("requires-python", ""))


def check_lock(project: Path, pyproject: bytes, lock: Path, pinned: bytes, interpreter: Interpreter) -> None:
    """Check that the lock pins every dependency of the project to a version it accepts.

    Raises:
        LockMismatch: names the first package that is not there, or not in the version asked for.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    parts = interpreter.version.split(".")
    here = {"python_version": ".".join(parts[:2]), "python_full_version": interpreter.version}
    versions = _pins(lock, pinned.decode(), here)
    for text in _project_table(project, pyproject).get("dependencies", []):
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate(here):
            continue
        have = versions.get(canonicalize_name(wanted.name))
        if have is None:
            raise _mismatch(lock, f"does not pin {wanted.name}, which {project.name} asks for")
        if not wanted.specifier.contains(have, prereleases=True):
            raise _mismatch(lock, f"pins {wanted.name} {have}, but {project.name} asks for {text}")


def _pins(lock: Path, text: str, here: dict[str, str]) -> dict[str, str]:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    versions: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split("#", 1)[0].split(" --hash", 1)[0].strip()
        if not words or words.startswith("-"):
            continue
        try:
            pin = Requirement(words)
        except InvalidRequirement as error:
            raise _mismatch(lock, f"cannot be read: {words!r} is no requirement") from error
        if pin.marker is None or pin.marker.evaluate(here):
            versions[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    return versions


def _mismatch(lock: Path, what: str) -> LockMismatch:
    return LockMismatch(f"{lock} {what}.", hint="Make the lock again with `nox -s lock`.")


def _project_table(project: Path, pyproject: bytes) -> dict[str, Any]:
    try:
        table: dict[str, Any] = tomllib.loads(pyproject.decode()).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LockMismatch(f"{project / 'pyproject.toml'} cannot be read: {error}.") from error
    return table
