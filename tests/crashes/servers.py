"""A real Postgres 15 and a real Redis, prepared as the stack's local engine prepares them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psycopg2

from crashes.processes import Program, free_port, until
from stack.engines.local.server_spec import ServerSpec
from stack.engines.local.servers import runner
from stack.model import Service

HOST = "127.0.0.1"
PASSWORD = "crashes"
POSTGRES = Service(
    name="postgres",
    image="postgres:15",
    environment={"POSTGRES_PASSWORD": PASSWORD},
    command=("postgres", "-c", "max_connections=300"),
)
# As it is shipped: a killed Redis comes back with nothing.
REDIS = Service(name="redis", image="redis:7", command=("redis-server", "--save", "", "--appendonly", "no"))


def server(service: Service, folder: Path, environment: Mapping[str, str]) -> tuple[Program, int]:
    """Prepare a server; return its program and its port."""
    port = free_port()
    state = folder / service.name
    state.mkdir()
    arguments = (service.command or ())[1:]
    spec = ServerSpec(service=service, arguments=arguments, data={}, host=HOST, port=port, state=state)
    launch = runner(service.image or "").prepare(spec)
    program = Program(
        argv=launch.argv,
        log=folder / f"{service.name}.log",
        cwd=launch.cwd,
        environment={**environment, **launch.environment},
        user=launch.user,
    )
    return program, port


def database_url(port: int) -> str:
    """Return the database's URL."""
    return f"postgresql://postgres:{PASSWORD}@{HOST}:{port}/postgres"


def start_postgres(program: Program, port: int) -> None:
    """Start Postgres and wait until it answers."""

    def answers() -> bool:
        assert program.is_running(), program.tail()
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(database_url(port), connect_timeout=5).close()
            return True
        return False

    program.start()
    until(answers, "Postgres answers")


def start_redis(program: Program, port: int) -> None:
    """Start Redis and wait until it answers, its data loaded."""

    def answers() -> bool:
        assert program.is_running(), program.tail()
        with suppress(OSError), socket.create_connection((HOST, port), 1) as link:
            link.sendall(b"PING\r\n")
            return link.recv(5) == b"+PONG"
        return False

    program.start()
    until(answers, "Redis answers")
