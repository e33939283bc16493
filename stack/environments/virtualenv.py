"""One Python environment a service project, made from its lock; none is made twice."""

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
    anew: bool = False,
    say: Say = lambda text: None,
) -> Environment:
    """Return the environment of ``project`` as its lock describes it, making it where it is missing.

    ``python`` asks for a version (``"3.13"``), else ``requires-python`` in pyproject.toml decides;
    ``anew`` makes it again even where it is there. Where nothing changed this costs two file reads
    and no subprocess.

    Raises:
        PythonMissing: no interpreter of that version is here.
        LockMismatch: the lock does not pin what pyproject.toml asks for, or what the index holds.
        BuildFailed, DiskFull: the environment could not be made.
    """
    project = project.resolve()
    lock_file = project / lock
    pinned, wanted = _read(lock_file), _read(project / "pyproject.toml", required=False)
    question = _digest(str(project), pinned, wanted, python or "", sys.version, _base())
    memo = cache_home() / "envs" / "memo" / question
    if not anew and (known := _recall(memo)) is not None:
        return known
    interpreter = choose_python(project, wanted, python)
    check_lock(project, wanted, lock_file, pinned, interpreter)
    platform = "-".join((os.uname().sysname, os.uname().machine))
    folder = cache_home() / "envs" / _digest(pinned, str(interpreter.path), interpreter.version, platform)

    def make(target: Path, descriptor: int) -> None:
        say(f"making the Python {interpreter.version} environment of {project.name}")
        _make(target, interpreter, lock_file, descriptor)

    if anew or not (folder / "bin" / "python").exists():  # asked for, or its interpreter is gone
        (folder / MARKER).unlink(missing_ok=True)
    make_once(folder, make)
    _remember(memo, folder, interpreter)
    return _environment(folder)


def choose_python(project: Path, pyproject: bytes, asked: str | None) -> Interpreter:
    """Return the interpreter for a project: the one that runs us where it will do.

    Raises:
        PythonMissing: none here satisfies the request.
    """
    wishes = (required_python(project, pyproject), f"=={asked}.*" if asked else "")
    specifier = ",".join(wish for wish in wishes if wish)
    running = Interpreter(path=Path(_base()), version=".".join(map(str, sys.version_info[:3])))
    if running.satisfies(specifier):
        return running
    search = _search_path()
    try:
        found = uv.call(
            "python", "find", "--no-project", "--no-python-downloads", specifier, cwd=project, path=search
        )
    except BuildFailed as error:
        raise PythonMissing(
            f"{project.name} needs Python {specifier}; here are: {_versions_here(project, search)}.",
            hint="Install one (system packages, pyenv), or use a container engine (--engine docker).",
        ) from error
    real = Path(found.strip()).resolve()
    code = "import platform; print(platform.python_version())"
    return Interpreter(path=real, version=programs.run([real, "-c", code]).stdout.strip())


def _search_path() -> str:
    """Return the PATH with pyenv's interpreters themselves in place of its shims, which fail by design."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    kept = [entry for entry in entries if Path(entry) != home / "shims"]
    return os.pathsep.join([*kept, *map(str, sorted(home.glob("versions/*/bin"), reverse=True))])


def _versions_here(project: Path, search: str) -> str:
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
        known = json.loads(memo.read_text())
        folder = Path(known["folder"])
        same = Path(known["python"]).stat().st_mtime_ns == known["mtime_ns"]
        if same and is_complete(folder) and (folder / "bin" / "python").exists():
            return _environment(folder)
    return None


def _remember(memo: Path, folder: Path, interpreter: Interpreter) -> None:
    known = {"folder": str(folder), "python": str(interpreter.path)}
    text = json.dumps({**known, "mtime_ns": interpreter.path.stat().st_mtime_ns})
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
        raise LockMismatch(f"{path} is missing.", hint="Make it with `nox -s lock`.") from error


def _base() -> str:
    """Return the interpreter that runs us, outside any environment."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]
