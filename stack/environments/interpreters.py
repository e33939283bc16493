"""The Python interpreters of this machine, and which of them a project gets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.environments import uv
from stack.errors import BuildFailed, PythonMissing
from stack.system import programs

VERSION_LIMIT_S = 30.0
"""How long an interpreter may take to print its version."""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python interpreter: its path, links resolved, and its full version."""

    path: Path
    version: str

    def satisfies(self, specifier: str) -> bool:
        """Return whether the version fits a PEP 440 specifier."""
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(specifier).contains(self.version, prereleases=True)


@dataclass(frozen=True, kw_only=True)
class PythonWish:
    """Which Python a project needs, and which it would rather have.

    ``required`` is a PEP 440 specifier, empty where every version will do. ``preferred`` is a version as
    in ``3.12``; where it is not installed, the nearest one takes its place.
    """

    required: str = ""
    preferred: str = ""


def running() -> Interpreter:
    """Return the interpreter of this process, outside any environment."""
    path = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return Interpreter(path=path, version=".".join(map(str, sys.version_info[:3])))


def choose(name: str, wish: PythonWish, say: Say = lambda text: None) -> Interpreter:
    """Return the interpreter for the project ``name``: the running one where it fits.

    Raises:
        PythonMissing: no installed interpreter fits ``wish.required``.
    """
    preferred = f"=={wish.preferred}.*" if wish.preferred else ""
    both = ",".join(each for each in (wish.required, preferred) if each)
    if (here := running()).satisfies(both):
        return here
    if (exact := _find(both)) is not None:
        return exact
    if wish.required:
        if (fitting := _find(wish.required)) is not None:
            return fitting
        raise PythonMissing(
            f"{name} needs Python {wish.required}; installed: {', '.join(installed()) or 'none'}.",
            hint="Install one (system packages, pyenv), or use a container engine (--engine docker).",
        )
    nearest = _find(f"=={_nearest(wish.preferred, installed())}") or here
    say(f"{name} asks for Python {wish.preferred}, which is not installed; it gets {nearest.version}")
    return nearest


def installed() -> list[str]:
    """Return the versions of the installed interpreters, each once."""
    words = ("python", "list", "--only-installed", "--no-python-downloads")
    lines = uv.call(*words, cwd=Path("/"), path=search_path()).splitlines()
    return sorted({line.split("-")[1] for line in lines if line.startswith("cpython-")})


def search_path() -> str:
    """Return the PATH with pyenv's interpreters in place of its shims, which work only inside pyenv."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [entry for entry in entries if Path(entry) != home / "shims"]
    versions = home.glob("versions/*/bin") if os.access(home, os.R_OK | os.X_OK) else ()
    return os.pathsep.join([*others, *map(str, sorted(versions, reverse=True))])


def _find(specifier: str) -> Interpreter | None:
    words = ("python", "find", "--no-project", "--no-python-downloads", specifier)
    try:
        path = uv.call(*words, cwd=Path("/"), path=search_path())
    except BuildFailed:
        return None
    real = Path(path.strip()).resolve()
    code = "import platform; print(platform.python_version())"
    version = programs.run([real, "-c", code], timeout_s=VERSION_LIMIT_S).stdout.strip()
    return Interpreter(path=real, version=version)


def _nearest(version: str, versions: list[str]) -> str:
    """The version whose minor number is nearest, the newer one of two, and of those the newest."""
    minor = _numbers(version)[1]
    here = running().version
    candidates = [each for each in versions if each.startswith("3.")] or [here]
    ordered = sorted(candidates, key=_numbers, reverse=True)
    return min(
        (each for each in ordered if each.startswith("3.")), key=lambda each: abs(_numbers(each)[1] - minor)
    )


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in (*parts, "0")[:3])
