"""Runs ``postgres`` images as a server of this machine, as the official image would.

The environment is that of https://github.com/docker-library/docs/tree/master/postgres.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stack.engines.local import cluster, init_scripts
from stack.engines.local.accounts import allow_traversal, chown_tree, give_data, unprivileged
from stack.engines.local.binaries import Postgres, installed_postgres, postgres_bin, version_of, wheel_version
from stack.engines.local.launch import Launch
from stack.engines.local.postgres_data import OLD_TARGET, data_target, host_folder, is_durable
from stack.engines.local.server_spec import ServerSpec
from stack.errors import ComposeError, StateUnreadable
from stack.model import Service
from stack.plan import file_variables
from stack.plan.addresses import LOOPBACK, rewrite_words
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

    def account(self) -> str | None:
        """Return the account that the server runs as; None for the caller's own."""
        return unprivileged("postgres")

    def prepare(self, spec: ServerSpec) -> Launch:
        """Make the data folder where there is none; return how to start the server.

        Raises:
            ComposeError: the official image would refuse these settings.
            ServerMissing: there are no programs of that version.
            StateUnreadable: the data belongs to another version, or is in use.
        """
        options = rewrite_words(spec.arguments, spec.data)
        target = data_target(spec.service, major_version(self.tag))
        _require_used_mount(spec, target)
        folder = host_folder(target, spec.data, spec.state)
        major = self._require_version(spec.service, folder)
        durable = is_durable(spec.service, target)
        bin, user = postgres_bin(major), self.account()
        new_data = cluster.version_of_data(folder) is None
        if new_data:
            postgres = Postgres(bin=bin, account=user)
            recipe = recipe_of(spec.service, spec.data, major or version_of(bin) or 0)
            scripts = _scripts_of(spec, recipe, postgres)
            cluster.create(postgres, recipe, folder, durable=durable, finish=scripts)
        else:
            cluster.clear_stale_lock(folder, users=cluster.servers_of, sleep=time.sleep)
        give_data(spec.service, folder, user, private=True)
        sockets = socket_folder(spec.state, user)
        ours = engine_options(host=spec.host, port=spec.port, folder=folder, sockets=sockets)
        argv = (str(bin / "postgres"), *(() if durable else _settings(QUICK)), *options, *ours)
        clients = client_variables(spec.state, spec.port)
        return Launch(argv=argv, cwd=folder, user=user, programs=bin, environment=clients, new_data=new_data)

    def _require_version(self, service: Service, folder: Path) -> int | None:
        """Return the major version to run: the image's, else that of the data; None for the newest here.

        Raises:
            StateUnreadable: they differ.
        """
        existing = cluster.version_of_data(folder)
        major = major_version(self.tag) or existing
        if existing is not None and existing != major:
            raise StateUnreadable(
                f"services.{service.name}: {folder} was written by Postgres {existing}, not {major}.",
                hint=f"Use image postgres:{existing}, or remove the data (`inv down --volumes`).",
            )
        return major


def _scripts_of(spec: ServerSpec, recipe: cluster.Recipe, postgres: Postgres) -> Callable[[Path], None]:
    """Return what runs the init scripts of a service in a new data folder."""
    server = init_scripts.Server(
        postgres=postgres,
        user=recipe.user,
        database=recipe.database,
        environment={**spec.service.environment, **script_variables(recipe)},
        work=spec.state / "init",
    )
    return partial(init_scripts.run, init_scripts.scripts_of(spec.data), server)


def client_variables(state: Path, port: int) -> dict[str, str]:
    """Return how programs that run beside the server find it (libpq's variables)."""
    return {"PGHOST": _socket_path(state) or LOOPBACK, "PGPORT": str(port)}


def socket_folder(state: Path, user: str | None) -> str:
    """Return the folder of the server's socket, made for ``user``; empty where there can be none."""
    if path := _socket_path(state):
        chown_tree(Path(path), user)
        allow_traversal(Path(path), user)
    return path


def _require_used_mount(spec: ServerSpec, target: str) -> None:
    """Check that a volume is mounted where the data is (https://github.com/docker-library/postgres/pull/1259).

    Raises:
        ComposeError: Postgres 18 would leave it empty.
    """
    if OLD_TARGET in spec.data and target != OLD_TARGET and not spec.service.environment.get("PGDATA"):
        raise ComposeError(
            f"services.{spec.service.name}.volumes: the data lies below {target}, not in {OLD_TARGET}.",
            hint="Mount the volume at /var/lib/postgresql, as Postgres 18 wants it.",
        )


def _socket_path(state: Path) -> str:
    """The folder of the server's socket, empty where its path would be too long (unix(7))."""
    folder = state / "socket"
    return "" if len(str(folder / ".s.PGSQL.65535.lock")) > LONGEST_SOCKET else str(folder)


def recipe_of(service: Service, data: Mapping[str, Path], major: int) -> cluster.Recipe:
    """Return what the environment says about a new cluster.

    Raises:
        ComposeError: there is no password, or a variable is given twice.
    """
    folders = {target: str(folder) for target, folder in data.items()}
    method = service.environment.get("POSTGRES_HOST_AUTH_METHOD") or ""
    password = file_variables.require(service, "POSTGRES_PASSWORD", folders)
    if not password and method != "trust":
        raise ComposeError(
            f"services.{service.name}.environment: POSTGRES_PASSWORD is not set; a new database needs one.",
            hint="Set it, or POSTGRES_HOST_AUTH_METHOD=trust to let everybody in without one.",
        )
    user = file_variables.require(service, "POSTGRES_USER", folders) or "postgres"
    return cluster.Recipe(
        user=user,
        password=password,
        database=file_variables.require(service, "POSTGRES_DB", folders) or user,
        method=method or ("scram-sha-256" if major >= 14 else "md5"),
        initdb_args=file_variables.require(service, "POSTGRES_INITDB_ARGS", folders),
    )


def script_variables(recipe: cluster.Recipe) -> dict[str, str]:
    """Return what the official image sets for scripts, also where the compose file does not."""
    return {
        "POSTGRES_USER": recipe.user,
        "POSTGRES_PASSWORD": recipe.password,
        "POSTGRES_DB": recipe.database,
    }


def engine_options(*, host: str, port: int, folder: Path, sockets: str = "") -> tuple[str, ...]:
    """Return what the engine decides; the last word on a setting counts."""
    ours = (
        *(f"listen_addresses={host}", f"port={port}"),
        *(f"unix_socket_directories={sockets}", "logging_collector=off"),
    )
    return ("-D", str(folder), *_settings(ours))


def _settings(pairs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for pair in pairs for word in ("-c", pair))
