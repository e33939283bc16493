"""Which probe does what a health check says.

The known idioms (``curl|wget URL``, ``pg_isready``, ``redis-cli ping``) become a direct probe; any other
check is executed as written.
"""

from __future__ import annotations

import re
import shlex
from typing import Final
from urllib.parse import urlsplit

from stack.health.postgres_probe import PostgresProbe
from stack.health.probes import (
    CommandProbe,
    Connect,
    Connecting,
    Execute,
    HttpProbe,
    Probe,
    RedisProbe,
    connect_from_here,
)
from stack.plan import file_variables, images
from stack.plan.addresses import LOCALHOST, LOOPBACK
from stack.plan.plan import ServicePlan

FAILING: Final = frozenset(("-f", "-fs", "-sf", "-fsS", "-sSf", "--fail"))
"""Options of curl by which an error status is a failure; without one any answer is a success (curl(1))."""

QUIET: Final = FAILING | frozenset(
    (
        *("-s", "-S", "-q", "-sS", "-O-", "-qO-", "-O", "-", "-nv", "-o", "/dev/null"),
        *("--silent", "--show-error", "--spider", "--quiet", "--no-verbose"),
    )
)
"""Options of curl and wget that do not change what is requested."""

SHELL_MARKS: Final = ";|&<>`$(\n"
GREPS_PONG: Final = re.compile(r"\s*\|\s*grep\s+(?:-\w+\s+)?[\"']?PONG[\"']?\s*$")


def choose(plan: ServicePlan, execute: Execute, connect: Connect = connect_from_here) -> Probe | None:
    """Return the probe of the service's health check; None where it has none.

    ``execute`` runs a command where the service runs, ``connect`` opens a connection on its network.
    """
    if not plan.healthcheck or plan.healthcheck[0] == "NONE" or plan.service.healthcheck is None:
        return None
    known = _server_probe(plan, connect) or _http(_argv(plan.healthcheck), plan, connect)
    return known or CommandProbe(
        argv=_literal(plan), execute=execute, timeout_s=plan.service.healthcheck.timeout_s
    )


def _literal(plan: ServicePlan) -> tuple[str, ...]:
    """Return the argv of a check as it is written.

    In a container, Postgres' own programs ask over TCP: while the official image initialises a new volume,
    a temporary server answers on the socket alone.
    """
    test = plan.executed
    argv = ("/bin/sh", "-c", test[1]) if test[0] == "CMD-SHELL" else test[1:]
    if plan.network == "container" and images.server_kind(plan.server_image) == "postgres":
        return ("env", f"PGHOST={LOOPBACK}", *argv)
    return argv


def _argv(test: tuple[str, ...]) -> tuple[str, ...]:
    """Return the argv of a check; empty where a shell would do more than run it."""
    if test[0] == "CMD":
        return test[1:]
    text = _without_exit(test[1])
    if any(mark in text for mark in SHELL_MARKS):
        return ()
    return _split(text)


def _without_exit(text: str) -> str:
    return re.sub(r"\s*\|\|\s*exit\s+\d+\s*$", "", text).strip()


def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ()


def _server_probe(plan: ServicePlan, connect: Connect) -> Probe | None:
    """Return the probe of a check by ``pg_isready`` or ``redis-cli ping``, with whatever options."""
    test = plan.healthcheck
    text = "" if test[0] == "CMD" else GREPS_PONG.sub("", _without_exit(test[1]))
    argv = test[1:] if test[0] == "CMD" else () if re.search(r"[;|&<>`\n]|\$\(", text) else _split(text)
    program = argv[0].rsplit("/", 1)[-1] if argv else ""
    if program == "pg_isready":
        return _postgres(plan, connect)
    if program in {"redis-cli", "valkey-cli"} and argv[-1].lower() == "ping":
        return _redis(plan, connect, needs_pong=argv[1:] == ("ping",) and bool(GREPS_PONG.search(test[-1])))
    return None


def _redis(plan: ServicePlan, connect: Connect, *, needs_pong: bool) -> RedisProbe | None:
    target = images.PORTS["redis"]
    if plan.network == "own":
        return RedisProbe(host="localhost", port=target, needs_pong=needs_pong, connect=connect)
    port = plan.host_port(target)
    return None if port is None else RedisProbe(host=LOOPBACK, port=port, needs_pong=needs_pong)


def _http(argv: tuple[str, ...], plan: ServicePlan, connect: Connect) -> HttpProbe | None:
    """Return the probe of a plain GET; None where the check has a method, headers or a body."""
    if not argv or argv[0].rsplit("/", 1)[-1] not in {"curl", "wget"}:
        return None
    any_status = argv[0].endswith("curl") and FAILING.isdisjoint(argv)
    words = [word for word in argv[1:] if word not in QUIET and not word.startswith("--tries=")]
    url = urlsplit(words[0]) if len(words) == 1 else None
    if url is None or url.scheme != "http" or url.hostname is None:
        return None
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if plan.network == "own":
        if url.hostname not in LOCALHOST:
            return None
        port = url.port or 80
        return HttpProbe(host="localhost", port=port, path=path, any_status=any_status, connect=connect)
    if url.hostname != LOOPBACK or url.port is None or url.port not in plan.ports.values():
        return None
    return HttpProbe(host=url.hostname, port=url.port, path=path, any_status=any_status)


def _postgres(plan: ServicePlan, connect: Connect) -> PostgresProbe | None:
    target = images.PORTS["postgres"]
    port, password = plan.host_port(target), file_variables.read(plan, "POSTGRES_PASSWORD")
    if not password or port is None:
        return None
    user = file_variables.read(plan, "POSTGRES_USER") or "postgres"

    def connect_inside(host: str, port: int) -> Connecting:
        return connect("localhost", target)

    return PostgresProbe(
        host=LOOPBACK,
        port=port,
        user=user,
        password=password,
        database=file_variables.read(plan, "POSTGRES_DB") or user,
        connect=connect_inside if plan.network == "own" else connect_from_here,
    )
