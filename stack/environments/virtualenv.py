"""The Python environment of a service's project, made from its lock and cached by content."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stack.environments import uv
from stack.environments.lockfile import Interpreter, check_lock, required_python
from stack.errors import BuildFailed, LockMismatch, PythonMissing
from stack.system import programs
from stack.system.cached_folder import MARKER, is_complete, make_once
from stack.system.directories import cache_home

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A Python environment; ``bin`` holds its programs, ``python`` is its interpreter."""

    path: Path
    bin: Path
    python: Path


def sync(
    project: Path,
    *,
    python: str | None = None,
    lock: str = "requirements.txt",
    recreate: bool = False,
    say: Say = lambda text: None,
) -> Environment:
    """Return the environment that the lock of ``project`` describes; make it where it does not exist.

    ``python`` is a required version (``"3.13"``), else ``requires-python`` in pyproject.toml decides;
    ``recreate`` makes it again where it exists. Where nothing changed this reads two files and starts no
    process.

    Raises:
        PythonMissing: no interpreter of that version is installed.
        LockMismatch: the lock does not match pyproject.toml or the package index.
        BuildFailed, DiskFull: the environment could not be built.
    """
    project = project.resolve()
    lock_file = project / lock
    pins, pyproject = _read(lock_file), _read(project / "pyproject.toml", required=False)
    key = _digest(str(project), pins, pyproject, python or "", sys.version, _base())
    memo = cache_home() / "envs" / "memo" / key
    if not recreate and (environment := _recall(memo)) is not None:
        return environment
    interpreter = choose_python(project, pyproject, python)
    check_lock(project, pyproject, lock_file, pins, interpreter)
    platform = "-".join((os.uname().sysname, os.uname().machine))
    folder = cache_home() / "envs" / _digest(pins, str(interpreter.path), interpreter.version, platform)

    def make(target: Path, descriptor: int) -> None:
        say(f"making the Python {interpreter.version} environment of {project.name}")
        _make(target, interpreter, lock_file, descriptor)

    if recreate or not (folder / "bin" / "python").exists():  # or its interpreter is gone
        (folder / MARKER).unlink(missing_ok=True)
    make_once(folder, make)
    _remember(memo, folder, interpreter)
    return _environment(folder)


def choose_python(project: Path, pyproject: bytes, version: str | None) -> Interpreter:
    """Return the interpreter for a project: the running one where it fits.

    Raises:
        PythonMissing: no installed interpreter fits.
    """
    specifiers = (required_python(project, pyproject), f"=={version}.*" if version else "")
    specifier = ",".join(each for each in specifiers if each)
    running = Interpreter(path=Path(_base()), version=".".join(map(str, sys.version_info[:3])))
    if running.satisfies(specifier):
        return running
    search = search_path()
    try:
        path = uv.call(
            "python", "find", "--no-project", "--no-python-downloads", specifier, cwd=project, path=search
        )
    except BuildFailed as error:
        raise PythonMissing(
            f"{project.name} needs Python {specifier}; installed: {_installed_versions(project, search)}.",
            hint="Install one (system packages, pyenv), or use a container engine (--engine docker).",
        ) from error
    real = Path(path.strip()).resolve()
    code = "import platform; print(platform.python_version())"
    return Interpreter(path=real, version=programs.run([real, "-c", code]).stdout.strip())


def search_path() -> str:
    """Return the PATH with pyenv's interpreters in place of its shims, which work only inside pyenv."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [entry for entry in entries if Path(entry) != home / "shims"]
    return os.pathsep.join([*others, *map(str, sorted(home.glob("versions/*/bin"), reverse=True))])


def _installed_versions(project: Path, search: str) -> str:
    words = ("python", "list", "--only-installed", "--no-python-downloads")
    lines = uv.call(*words, cwd=project, path=search).splitlines()
    versions = {line.split("-")[1] for line in lines if line.startswith("cpython-")}
    return ", ".join(sorted(versions)) or "none"


def _make(folder: Path, interpreter: Interpreter, lock: Path, descriptor: int) -> None:
    uv.call("venv", "--quiet", "--no-project", "--no-python-downloads", "--allow-existing",
            "--python", interpreter.path, folder, cwd=folder, pass_fds=(descriptor,))  # fmt: skip
    uv.call("pip", "install", "--quiet", "--python", folder / "bin" / "python", "--no-python-downloads",
            "--require-hashes", "-r", lock, cwd=folder, lock=lock, pass_fds=(descriptor,))  # fmt: skip


def _environment(folder: Path) -> Environment:
    return Environment(path=folder, bin=folder / "bin", python=folder / "bin" / "python")


def _recall(memo: Path) -> Environment | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(memo.read_text())
        folder = Path(record["folder"])
        is_same = Path(record["python"]).stat().st_mtime_ns == record["mtime_ns"]
        if is_same and is_complete(folder) and (folder / "bin" / "python").exists():
            return _environment(folder)
    return None


def _remember(memo: Path, folder: Path, interpreter: Interpreter) -> None:
    record = {"folder": str(folder), "python": str(interpreter.path)}
    text = json.dumps({**record, "mtime_ns": interpreter.path.stat().st_mtime_ns})
    memo.parent.mkdir(exist_ok=True)
    temporary = memo.with_name(f".{memo.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.write_text(text)
    temporary.replace(memo)


def _read(path: Path, *, required: bool = True) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if not required:
            return b""
        raise LockMismatch(f"{path} is missing.", hint="Create it with `nox -s lock`.") from error


def _base() -> str:
    """Return the path of the running interpreter, outside any environment."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]
