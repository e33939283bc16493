"""SQL on a data folder without a server: https://www.postgresql.org/docs/current/app-postgres.html."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stack.engines.local.binaries import Postgres
from stack.system import programs

LIMIT_S = 300.0
"""How long Postgres may take to make a data folder or a database; 1 to 3 s are usual."""


def run(postgres: Postgres, statements: Sequence[str], data: Path, *, pass_fds: tuple[int, ...] = ()) -> str:
    """Run statements, one a line, as the cluster's superuser; return what failed, empty where nothing did."""
    done = programs.run(
        [str(postgres.bin / "postgres"), "--single", "-D", str(data), "-c", "fsync=off", "postgres"],
        input="\n".join(statements) + "\n",
        user=postgres.account,
        cwd=Path("/"),
        check=False,
        pass_fds=pass_fds,
        timeout_s=LIMIT_S,
    )
    failed = done.returncode != 0 or "ERROR:" in done.stderr or "FATAL:" in done.stderr
    return (done.stderr or f"exit code {done.returncode}") if failed else ""


def quoted(name: str) -> str:
    """Return a name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
