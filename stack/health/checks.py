"""Which probe does what a health check says.

The known idioms (``curl|wget URL``, ``pg_isready``, ``redis-cli ping``) become a direct probe; any other
check is executed as written.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from stack.health.probes import CommandProbe, Execute, HttpProbe, PostgresProbe, Probe, RedisProbe
from stack.plan.plan import LOOPBACK, ServicePlan

QUIET: Final = frozenset(
    (
        *("-f", "-s", "-S", "-q", "-fs", "-sf", "-fsS", "-sSf", "-sS", "-O-", "-qO-", "-O", "-", "-nv", "-o"),
        *("/dev/null", "--fail", "--silent", "--show-error", "--spider", "--quiet", "--no-verbose"),
    )
)
"""Options of curl and wget that change what is printed, not what is requested."""


def choose(plan: ServicePlan, execute: Execute) -> Probe | None:
    """Return the probe of the service's health check; None where it has none."""
    if not plan.healthcheck or plan.healthcheck[0] == "NONE" or plan.service.healthcheck is None:
        return None
    argv = _argv(plan.healthcheck)
    known = _idiom(argv, plan) if plan.ports else None
    return known or CommandProbe(
        argv=_literal(plan.executed), execute=execute, timeout_s=plan.service.healthcheck.timeout_s
    )


def _literal(test: tuple[str, ...]) -> tuple[str, ...]:
    return ("/bin/sh", "-c", test[1]) if test[0] == "CMD-SHELL" else test[1:]


def _argv(test: tuple[str, ...]) -> tuple[str, ...]:
    """Return the argv of a check; empty where a shell would do more than run it."""
    if test[0] == "CMD":
        return test[1:]
    text = test[1].removesuffix("|| exit 1").strip()
    if any(mark in text for mark in ";|&<>`$(\n"):
        return ()
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ()


def _idiom(argv: tuple[str, ...], plan: ServicePlan) -> Probe | None:
    if not argv:
        return None
    program = argv[0].rsplit("/", 1)[-1]
    first = next(iter(plan.ports.values()))
    if program in {"curl", "wget"}:
        return _http(argv)
    if program == "pg_isready":
        return _postgres(argv, plan.service.environment, _port(plan, 5432, first))
    if program == "redis-cli" and [part.lower() for part in argv[1:]] == ["ping"]:
        return RedisProbe(host=LOOPBACK, port=_port(plan, 6379, first))
    return None


def _port(plan: ServicePlan, target: int, default: int) -> int:
    return plan.ports.get(target, default)


def _http(argv: tuple[str, ...]) -> HttpProbe | None:
    """Return the probe of a plain GET; None where the check has a method, headers or a body."""
    words = [word for word in argv[1:] if word not in QUIET and not word.startswith("--tries=")]
    url = urlsplit(words[0]) if len(words) == 1 else None
    if url is None or url.scheme != "http" or url.hostname != LOOPBACK or url.port is None:
        return None
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return HttpProbe(host=url.hostname, port=url.port, path=path)


def _postgres(argv: tuple[str, ...], environment: Mapping[str, str], port: int) -> PostgresProbe | None:
    if "POSTGRES_PASSWORD" not in environment:
        return None
    user = environment.get("POSTGRES_USER", "postgres")
    return PostgresProbe(
        host=LOOPBACK,
        port=port,
        user=user,
        password=environment["POSTGRES_PASSWORD"],
        database=environment.get("POSTGRES_DB", user),
    )
