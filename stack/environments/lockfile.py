"""A lock file: whether it pins every dependency of its project, checked before anything is installed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from stack.environments.interpreters import Interpreter
from stack.errors import LockMismatch


def check_lock(project: Path, pyproject: bytes, lock: Path, pins: bytes, interpreter: Interpreter) -> None:
    """Check that the lock pins every dependency of the project to a version that the project accepts.

    Raises:
        LockMismatch: names the first package that is missing or has another version.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    parts = interpreter.version.split(".")
    markers = {"python_version": ".".join(parts[:2]), "python_full_version": interpreter.version}
    versions = _pins(lock, pins.decode(), markers)
    for text in _project_table(project, pyproject).get("dependencies", []):
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate(markers):
            continue
        version = versions.get(canonicalize_name(requirement.name))
        if version is None:
            raise _mismatch(lock, f"does not pin {requirement.name}, which {project.name} requires")
        if not requirement.specifier.contains(version, prereleases=True):
            raise _mismatch(lock, f"pins {requirement.name} {version}, but {project.name} requires {text}")


def _pins(lock: Path, text: str, markers: dict[str, str]) -> dict[str, str]:
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
            raise _mismatch(lock, f"cannot be read: {words!r} is not a requirement") from error
        if pin.marker is None or pin.marker.evaluate(markers):
            versions[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    return versions


def _mismatch(lock: Path, reason: str) -> LockMismatch:
    return LockMismatch(f"{lock} {reason}.", hint="Update the lock with `nox -s lock`.")


def _project_table(project: Path, pyproject: bytes) -> dict[str, Any]:
    try:
        table: dict[str, Any] = tomllib.loads(pyproject.decode()).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LockMismatch(f"{project / 'pyproject.toml'} cannot be read: {error}.") from error
    return table
