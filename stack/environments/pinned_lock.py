"""Projects of Poetry and PDM: their dependencies, held to the versions of ``poetry.lock`` or ``pdm.lock``.

Both locks list packages with name and version. They are given to uv as constraints, so that which of them
a platform needs is decided by the packages' own metadata, and verified by the hashes of the lock. A project
of Poetry's without a lock gets the newest versions that it accepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from stack.environments import pyproject
from stack.environments.installation import ENVIRONMENT, Installation, pip_install
from stack.environments.project_metadata import python_wish, read_toml
from stack.environments.version_constraint import specifier

POETRY: Final = "poetry.lock"
PDM: Final = "pdm.lock"


def find_poetry(project: Path, options: Sequence[str] = ("--only", "main")) -> Installation | None:
    """Return what ``poetry.lock`` of a project installs; ``options`` are those of ``poetry install``."""
    return _find(project, POETRY, options)


def find_pdm(project: Path, options: Sequence[str] = ("--prod",)) -> Installation | None:
    """Return what ``pdm.lock`` of a project installs; ``options`` are those of ``pdm sync``."""
    return _find(project, PDM, options)


def _find(project: Path, lock: str, options: Sequence[str]) -> Installation | None:
    has_lock = (project / lock).is_file()
    table = read_toml(project / pyproject.NAME)
    if not table or not (has_lock or (lock == POETRY and "poetry" in table.get("tool", {}))):
        return None
    names = (*_standard(table, options), *_poetry(table, options, has_lock=has_lock))
    has_root = not {"--no-root", "--no-self"} & set(options)
    is_package = has_root and _is_package(project, table)
    own = pyproject.own_package(project) if is_package else ()
    pins = ("--constraint", f"{ENVIRONMENT}/constraints.txt") if has_lock else ()
    commands = (pip_install(*pins, *names), *own) if names else own
    return Installation(
        folder=project,
        commands=commands,
        inputs=(*((project / lock,) if has_lock else ()), project / pyproject.NAME),
        lock=project / (lock if has_lock else pyproject.NAME),
        files={"constraints.txt": constraints(project / lock)} if has_lock else {},
        python=python_wish(project),
        is_bound=is_package,
    )


def constraints(lock: Path) -> str:
    """Return the pins of a lock and their hashes as a constraints file; uv verifies what has a hash."""
    table = read_toml(lock)
    older = table.get("metadata", {}).get("files", {})  # Poetry before 1.3 and PDM before 2.8
    pins = {
        " ".join((f"{each['name']}=={each['version']}", *_hashes(each.get("files") or _older(older, each))))
        for each in table.get("package", [])
        if _is_from_index(each)
    }
    return "".join(f"{pin}\n" for pin in sorted(pins))


def _older(files: Mapping[str, Any], package: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The files of a package in a table of their own: by name (Poetry), by name and version (PDM)."""
    name = package["name"]
    found: list[Mapping[str, Any]] = files.get(name) or files.get(f"{name} {package['version']}") or []
    return found


def _hashes(files: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({f"--hash={each['hash']}" for each in files if "hash" in each})


def _is_from_index(package: Mapping[str, Any]) -> bool:
    source = package.get("source", {})
    elsewhere = {"git", "path", "url"} & set(package)
    return not elsewhere and source.get("type", "legacy") == "legacy"


def _is_package(project: Path, table: Mapping[str, Any]) -> bool:
    poetry = table.get("tool", {}).get("poetry", {})
    if poetry.get("package-mode") is False or not pyproject.is_package(project):
        return False
    name = str(table.get("project", {}).get("name") or poetry.get("name") or "").replace("-", "_")
    return bool(poetry.get("packages")) or any((project / each).is_dir() for each in (name, f"src/{name}"))


def _standard(table: Mapping[str, Any], options: Sequence[str]) -> Iterator[str]:
    """The dependencies of ``[project]``, and the groups that are installed with them."""
    yield from table.get("project", {}).get("dependencies", [])
    if not {"--prod", "--production", "--no-dev", "--only"} & set(options):
        for group in table.get("dependency-groups", {}).values():
            yield from (each for each in group if isinstance(each, str))


def _poetry(table: Mapping[str, Any], options: Sequence[str], *, has_lock: bool) -> Iterator[str]:
    """The dependencies of ``[tool.poetry]``; where there is a lock it says their versions."""
    poetry = table.get("tool", {}).get("poetry", {})
    groups = {"main": poetry.get("dependencies", {}), "dev": poetry.get("dev-dependencies", {})}
    groups |= {
        name: group.get("dependencies", {})
        for name, group in poetry.get("group", {}).items()
        if not group.get("optional") or name in _values(options, "--with")
    }
    without = _values(options, "--without") | ({"dev"} if "--no-dev" in options else set())
    only = _values(options, "--only") or set(groups)
    for name in groups:
        if name in only and name not in without:
            yield from (
                text
                for key, each in groups[name].items()
                if (text := _requirement(key, each, has_lock=has_lock))
            )


def _values(options: Sequence[str], name: str) -> set[str]:
    """The values of an option that may be written ``--only main,dev``, ``--only=main`` or twice."""
    words = [part for word in options for part in word.split("=", 1)]
    places = [index for index, word in enumerate(words[:-1]) if word == name]
    return {value for index in places for value in words[index + 1].split(",")}


def _requirement(name: str, entry: Any, *, has_lock: bool) -> str:
    if name == "python":
        return ""
    if isinstance(entry, list):  # one entry a platform or Python: the lock decides
        entry = entry[0]
    if not isinstance(entry, dict):
        return name if has_lock else f"{name}{specifier(str(entry))}"
    if entry.get("optional"):
        return ""
    extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
    if "git" in entry:
        revision = entry.get("rev") or entry.get("tag") or entry.get("branch")
        return f"{name}{extras} @ git+{entry['git']}" + (f"@{revision}" if revision else "")
    if "url" in entry:
        return f"{name}{extras} @ {entry['url']}"
    markers = f" ; {entry['markers']}" if entry.get("markers") else ""
    version = "" if has_lock else specifier(str(entry.get("version", "")))
    return f"{name}{extras}{version}{markers}"
