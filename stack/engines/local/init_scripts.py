"""The scripts of ``/docker-entrypoint-initdb.d``, run once on a new data folder, as in the official image.

Source of the rules: https://github.com/docker-library/docs/blob/master/postgres/README.md#initialization-scripts
"""

from __future__ import annotations

import contextlib
import gzip
import lzma
import os
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.engines.local import single_user
from stack.engines.local.accounts import allow_traversal, chown_tree
from stack.engines.local.binaries import Postgres
from stack.errors import BuildFailed, CommandFailed
from stack.system import programs

FOLDER: Final = "/docker-entrypoint-initdb.d"
KINDS: Final = (".sql", ".sql.gz", ".sql.xz", ".sql.zst", ".sh")
START_LIMIT_S: Final = 60.0

SOURCED: Final = """\
docker_process_sql() {
    psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"
}
psql=(docker_process_sql)
. "$0"
"""
"""What runs a script that is not executable: the official image reads it into its own entry script, which
ends at the first error and has these two for it."""

MEMBERSHIP: Final = (
    "DO $$ DECLARE made name; BEGIN FOR made IN SELECT rolname FROM pg_roles WHERE NOT rolsuper"
    " AND rolname !~ '^pg_' AND NOT pg_has_role(oid, '{user}'::regrole, 'MEMBER')"
    " LOOP EXECUTE format('GRANT %I TO %s', made, '{user}'::regrole); END LOOP; END $$"
)
"""Makes POSTGRES_USER a member of the roles that scripts have made: it may do what their owners may, as a
superuser could, and can start no program."""

UNPACK: Final = {".gz": gzip.decompress, ".xz": lzma.decompress}


@dataclass(frozen=True, kw_only=True)
class Server:
    """The Postgres and the database for which the scripts run; ``work`` is a private folder."""

    postgres: Postgres
    user: str
    database: str
    environment: Mapping[str, str]
    work: Path


def scripts_of(data: Mapping[str, Path]) -> list[tuple[str, Path]]:
    """Return the scripts with their names, in the order of their names.

    ``data`` maps mount targets to files and folders.
    """
    found: dict[str, Path] = {}
    for target, path in data.items():
        if target.rstrip("/") == FOLDER and path.is_dir():
            found |= {entry.name: entry for entry in path.iterdir() if entry.is_file()}
        elif target.startswith(f"{FOLDER}/") and path.is_file():
            found[target.rpartition("/")[2]] = path
    return [(name, path) for name, path in sorted(found.items()) if name.endswith(KINDS)]


def run(scripts: list[tuple[str, Path]], server: Server, data_folder: Path) -> None:
    """Run the scripts against a server that listens on a socket alone, and stop it.

    Meanwhile POSTGRES_USER is a superuser, as in the official image: scripts make roles and extensions.

    Raises:
        BuildFailed: a script failed; says which, with its output.
    """
    if not scripts:
        return
    copies = server.work / "initdb.d"
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir(parents=True)
    for name, script in scripts:
        shutil.copy(script, copies / name)
    chown_tree(server.work, server.postgres.account)
    allow_traversal(copies, server.postgres.account)
    user = single_user.quoted(server.user)
    _alter_user(server, data_folder, [f"ALTER ROLE {user} SUPERUSER"])
    _run_all([copies / name for name, _ in scripts], data_folder, server)
    membership = MEMBERSHIP.format(user=user.replace("'", "''"))
    _alter_user(server, data_folder, [f"ALTER ROLE {user} NOSUPERUSER", membership])


def _alter_user(server: Server, data_folder: Path, statements: list[str]) -> None:
    if failed := single_user.run(server.postgres, statements, data_folder):
        raise BuildFailed(f"The role {server.user} could not be changed: {failed.strip()[-1000:]}")


def _run_all(scripts: list[Path], data_folder: Path, server: Server) -> None:
    options = f"-c listen_addresses= -c unix_socket_directories={server.work} -c fsync=off"
    control = [str(server.postgres.bin / "pg_ctl"), "-D", str(data_folder), "-w"]
    control += ["-t", f"{START_LIMIT_S:.0f}"]
    try:
        _call(server, [*control, "-l", str(server.work / "initdb.log"), "-o", options, "start"])
    except CommandFailed as error:
        with contextlib.suppress(CommandFailed):  # it may be starting still
            _call(server, [*control, "-m", "immediate", "stop"])
        raise BuildFailed(f"Postgres does not start for the scripts of {FOLDER}: {error.output}") from error
    try:
        for script in scripts:
            _run_script(script, server)
    finally:
        _call(server, [*control, "-m", "fast", "stop"])


def _run_script(script: Path, server: Server) -> None:
    psql = [str(server.postgres.bin / "psql"), "-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc"]
    psql += ["--username", server.user, "--dbname", server.database]
    try:
        if script.suffix == ".sh":
            sourced = ["bash", "-Eeo", "pipefail", "-c", SOURCED, str(script)]
            _call(server, [str(script)] if os.access(script, os.X_OK) else sourced)
        else:
            _call(server, psql, _text(script))
    except (CommandFailed, OSError, EOFError, zlib.error, lzma.LZMAError, UnicodeDecodeError) as error:
        details = error.output if isinstance(error, CommandFailed) else str(error)
        raise BuildFailed(
            f"The script {script.name} of {FOLDER} failed: {details.strip()[-1000:]}",
            hint="Correct it; the database is made anew at the next start.",
        ) from error


def _text(script: Path) -> str:
    """The SQL of a script, compressed or not."""
    if script.suffix == ".zst":
        return programs.run(["zstd", "-d", "-c", script], timeout_s=programs.BUILD_LIMIT_S).stdout
    unpack: Callable[[bytes], bytes] = UNPACK.get(script.suffix, bytes)
    return unpack(script.read_bytes()).decode()


def _call(server: Server, words: list[str], text: str | None = None) -> None:
    environment = {**os.environ, **server.environment, "PGHOST": str(server.work)}
    environment["PATH"] = f"{server.postgres.bin}{os.pathsep}{environment.get('PATH', os.defpath)}"
    programs.run(
        words,
        env=environment,
        input=text,
        user=server.postgres.account,
        cwd=server.work,
        timeout_s=programs.BUILD_LIMIT_S,
    )
