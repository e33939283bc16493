"""Python environments, made by uv and cached by content."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from stack.environments import interpreters, requirements, uv
from stack.environments.installation import ENVIRONMENT, Installation, pip_install
from stack.environments.interpreters import Interpreter, PythonWish
from stack.environments.lockfile import check_lock
from stack.errors import BuildFailed, LockMismatch
from stack.system.cached_folder import MARKER, is_complete, make_once
from stack.system.directories import cache_home

Say = Callable[[str], None]

SEEDS = ("pip", "setuptools<81", "wheel")
"""What the official images of Python before 3.12 have; a later setuptools has no ``pkg_resources``."""

NOT_LINKED = ("--link-mode", "copy")
"""Its files are no links to the cache of uv, so that a service may own and change them."""


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
    lock: str = requirements.NAME,
    recreate: bool = False,
    say: Say = lambda text: None,
) -> Environment:
    """Return the environment that the lock of ``project`` describes; make it where it does not exist.

    ``python`` is a required version (``"3.13"``), else ``requires-python`` in pyproject.toml decides.

    Raises:
        PythonMissing: no interpreter of that version is installed.
        LockMismatch: the lock does not match pyproject.toml or the package index.
        BuildFailed, DiskFull: the environment could not be built.
    """
    project = project.resolve()
    if not (project / lock).is_file():
        raise LockMismatch(f"{project / lock} is missing.", hint="Create it with `nox -s lock`.")
    installation = requirements.of_file(project / lock, project)
    if python:
        required = ",".join(each for each in (installation.python.required, f"=={python}.*") if each)
        installation = replace(installation, python=PythonWish(required=required))
    return install(installation, name=project.name, recreate=recreate, say=say)


def install(
    installation: Installation, *, name: str, recreate: bool = False, say: Say = lambda text: None
) -> Environment:
    """Return the environment of ``installation``; make it where it does not exist.

    ``recreate`` makes it again where it exists. Where nothing changed this reads the input files and
    starts no process.

    Raises:
        PythonMissing, LockMismatch, BuildFailed, DiskFull: see ``sync``.
    """
    content = _digest(*_words(installation), *(_read(file) for file in installation.inputs))
    here = interpreters.running()
    pyproject = _read(installation.folder / "pyproject.toml")
    python = (repr(installation.python), sys.version, str(here.path))
    key = _digest(str(installation.folder), content, pyproject, *python, *SEEDS)
    memo = cache_home() / "envs" / "memo" / key
    if not recreate and (environment := _recall(memo)) is not None:
        return environment
    interpreter = interpreters.choose(name, installation.python, say)
    _check(installation, interpreter)
    folder = _cache_folder(installation, content, interpreter)

    def make(target: Path, descriptor: int) -> None:
        say(f"making the Python {interpreter.version} environment of {name}")
        seeds = SEEDS if interpreter.satisfies("<3.12") and not _is_hashed(installation) else ()
        _make(target, interpreter, installation, seeds=seeds, pass_fds=(descriptor,))

    if recreate or not (folder / "bin" / "python").exists():  # or its interpreter is gone
        (folder / MARKER).unlink(missing_ok=True)
    make_once(folder, make)
    _remember(memo, folder, interpreter)
    return _environment(folder)


def install_own(
    installation: Installation, folder: Path, *, name: str, say: Say = lambda text: None
) -> Environment:
    """Return the environment ``folder``, which one service alone uses: it has pip, and can be written to.

    What cannot be installed into it is left to the service's own command, which says why.

    Raises:
        PythonMissing, BuildFailed, DiskFull: see ``sync``.
    """
    if (folder / MARKER).exists():
        return _environment(folder)
    interpreter = interpreters.choose(name, installation.python, say)
    say(f"making the Python {interpreter.version} environment of {name}, whose command installs by itself")
    folder.mkdir(parents=True, exist_ok=True)
    seeds = SEEDS if interpreter.satisfies("<3.12") else SEEDS[:1]
    copied = tuple((*command, *NOT_LINKED) for command in installation.commands)
    _make(folder, interpreter, replace(installation, commands=()), seeds=(*seeds, *NOT_LINKED))
    with suppress(BuildFailed, LockMismatch):
        _run(replace(installation, commands=copied), folder)
    (folder / MARKER).touch()
    return _environment(folder)


def _cache_folder(installation: Installation, content: str, interpreter: Interpreter) -> Path:
    """Projects of the same content share an environment, unless it refers to their folder."""
    bound = str(installation.folder) if installation.is_bound else ""
    platform = "-".join((os.uname().sysname, os.uname().machine))
    parts = (content, bound, str(interpreter.path), interpreter.version, platform)
    return cache_home() / "envs" / _digest(*parts, *SEEDS)


def _words(installation: Installation) -> list[str]:
    """The commands without the folder, which is another one in another work tree."""
    folder = str(installation.folder)
    words = [word.replace(folder, ".") for command in installation.commands for word in command]
    return [*words, *(f"{name}\0{text}" for name, text in installation.files.items())]


def _check(installation: Installation, interpreter: Interpreter) -> None:
    """Compare a lock with hashes, which names everything, with the project's own dependencies."""
    project = installation.folder
    pyproject = project / "pyproject.toml"
    lock = installation.lock
    is_whole = any("--require-hashes" in command for command in installation.commands)
    if lock is not None and is_whole and lock.suffix == ".txt" and pyproject.is_file():
        check_lock(project, _read(pyproject), lock, _read(lock), interpreter)


def _make(
    folder: Path,
    interpreter: Interpreter,
    installation: Installation,
    *,
    seeds: Collection[str],
    pass_fds: Collection[int] = (),
) -> None:
    uv.call("venv", "--quiet", "--no-project", "--no-python-downloads", "--allow-existing",
            "--python", interpreter.path, folder, cwd=folder, pass_fds=pass_fds)  # fmt: skip
    for name, text in installation.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    first = (pip_install(*seeds),) if seeds else ()
    _run(replace(installation, commands=(*first, *installation.commands)), folder, pass_fds=pass_fds)


def _run(installation: Installation, folder: Path, *, pass_fds: Collection[int] = ()) -> None:
    for command in installation.commands:
        words = (word.replace(ENVIRONMENT, str(folder)) for word in command)
        uv.call(*words, cwd=installation.folder, lock=installation.lock, pass_fds=pass_fds)


def _is_hashed(installation: Installation) -> bool:
    return any("--require-hashes" in command for command in installation.commands)


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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]
