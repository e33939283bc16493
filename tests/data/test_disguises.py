"""Databases that must not be touched, each in a disguise; the server's own log says what was sent to it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from data.conftest import LOGGING
from data.server_log import log_size, written_since
from data.stack import Stack, running
from data.tunnel import tunnel_to
from stack.commands.data_access import Access
from stack.control import guardians
from stack.data import guard, mark, reset
from stack.data.stores import stores_of
from stack.errors import NotDisposable
from stack.plan.plan import Plan
from stack.records import plans
from stack.records.state import StackState
from unprotected.protection import Cut, protected_by

GUARD = "stack/data/guard.py"
MARK = "stack/data/mark.py"

OWN_URL = "postgresql://postgres:postgres@{place}/postgres"
ON_LOOPBACK = "postgresql://postgres:postgres@{host}:{port}/postgres"


@dataclass(frozen=True, kw_only=True)
class Disguise:
    """What is not disposable: the backend's environment, the command's, or the server's own data."""

    backend: Mapping[str, str] | None = None
    own: Mapping[str, str] | None = None
    comment: Callable[[str], str | None] | None = None
    tunnel: bool = False
    reason: str = ""


DISGUISES = {
    "host name": Disguise(
        backend={"DATABASE_URL": "postgresql://u:p@db.example.com/postgres"}, reason="leads to"
    ),
    "alias": Disguise(
        backend={"DATABASE_URL": ON_LOOPBACK.replace("{host}", "localhost")}, reason="leads to"
    ),
    "socket": Disguise(backend={"DATABASE_URL": OWN_URL + "?host=/var/run/postgresql"}, reason="leads to"),
    "another port on loopback": Disguise(
        backend={"DATABASE_URL": "postgresql://postgres:postgres@127.0.0.1:5999/postgres"}, reason="leads to"
    ),
    "production settings": Disguise(
        backend={"DJANGO_SETTINGS_MODULE": "config.settings.production"}, reason="not disposable"
    ),
    "staging environment": Disguise(backend={"ENVIRONMENT": "staging"}, reason="not disposable"),
    "own environment": Disguise(
        own={"DJANGO_SETTINGS_MODULE": "shop.settings.prod"}, reason="not disposable"
    ),
    "database name": Disguise(
        backend={"DATABASE_URL": OWN_URL.removesuffix("/postgres") + "/prod"},
        reason="by its name",
    ),
    "another store": Disguise(backend={"REDIS_URL": "redis://cache.example.com:6379/0"}, reason="leads to"),
    "missing mark": Disguise(comment=lambda text: None, reason="no disposable mark"),
    "another stack's mark": Disguise(
        comment=lambda text: re.sub('"stack": "[^"]*"', '"stack": "other"', text), reason="the stack other"
    ),
    "copied mark": Disguise(
        comment=lambda text: re.sub('"oid": [0-9]+', '"oid": 1', text), reason="was copied"
    ),
    "mark of another cluster": Disguise(
        comment=lambda text: re.sub('"cluster": "[^"]*"', '"cluster": "1"', text), reason="was copied"
    ),
    "tunnel": Disguise(tunnel=True, reason="keeps its data in|is not the container of"),
}


@pytest.fixture(scope="module")
def quiet_stack(stack: Stack) -> Iterator[Stack]:
    """The stack alone with its command: its worker does not run, and its Postgres logs every statement."""
    stack.typed("reset-db")
    stack.typed("stop", "worker")
    stack.typed("reset-db")  # waits for the spare of the first one, so that nothing goes on in the background
    stack.wait_for_spare()
    yield stack
    stack.typed("start", "worker")


@pytest.fixture(scope="module")
def other_stack(home: Path) -> Iterator[Stack]:
    """A Postgres that belongs to another stack."""
    with running(home / "other", "local", "--service", "postgres", "--file", LOGGING) as other:
        other.wait_for_background()
        yield other


@protected_by(
    "the guard refuses by what plan and environment say",
    Cut(
        GUARD,
        'raise NotDisposable(\n            f"The data of {state.name}',
        'NotDisposable(\n            f"The data of {state.name}',
    ),
    cases=["own environment", "staging environment"],
)
@protected_by(
    "the guard refuses by what the server says",
    Cut(
        GUARD,
        'raise NotDisposable(\n            f"The database {server.database}',
        'NotDisposable(\n            f"The database {server.database}',
    ),
    cases=["missing mark"],
)
@protected_by(
    "a mark is true of one database of one cluster",
    Cut(
        MARK,
        "return (mark.stack, mark.cluster, mark.oid) == (stack, identity.cluster, identity.oid)",
        "return mark.stack == stack",
    ),
    cases=["copied mark", "mark of another cluster"],
)
@protected_by(
    "the server is known by its data folder",
    Cut(
        GUARD,
        "if location.data_directory is not None and facts.data_directory != str(location.data_directory):",
        "if False:",
    ),
    cases=["tunnel"],
)
@pytest.mark.parametrize("name", DISGUISES)
def test_a_database_in_disguise_is_refused_and_no_statement_that_writes_is_sent(
    name: str, quiet_stack: Stack, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", quiet_stack.environment["STACK_HOME"])
    disguise = DISGUISES[name]
    state = guardians.require_running(quiet_stack.name)
    if disguise.tunnel:
        other_stack: Stack = request.getfixturevalue("other_stack")
        with tunnel_to(other_stack.port("postgres")) as port:
            written = attempt(quiet_stack, through(state, port), disguise, servers=[quiet_stack, other_stack])
    else:
        with commented(quiet_stack, disguise.comment):
            written = attempt(quiet_stack, state, disguise, servers=[quiet_stack])
    assert written == []


REMOVALS = {"down": ("down", "--stack", "local", "--volumes"), "prune": ("prune", "--all")}
REMOVED_DISGUISES = {
    **{name: each for name, each in DISGUISES.items() if each.comment is not None},
    "own environment": DISGUISES["own environment"],
}


@pytest.mark.parametrize("verb", REMOVALS)
@pytest.mark.parametrize("name", REMOVED_DISGUISES)
def test_the_volume_of_a_database_in_disguise_is_not_deleted(
    name: str, verb: str, quiet_stack: Stack
) -> None:
    disguise = REMOVED_DISGUISES[name]
    with commented(quiet_stack, disguise.comment):
        line = log_size(quiet_stack)
        done = quiet_stack.typed_raw(*REMOVALS[verb], environment=dict(disguise.own or {}))
        assert (done.code, "Traceback" in done.output) == (23, False), done.output
        assert re.search(disguise.reason, done.output), done.output
        assert written_since(quiet_stack, line) == []
    assert quiet_stack.get("/api/v1/products?limit=1")[0] == 200


def attempt(stack: Stack, state: StackState, disguise: Disguise, *, servers: list[Stack]) -> list[str]:
    """Try to reset; return the statements that write and that reached one of the servers meanwhile."""
    logs = {server.name: log_size(server) for server in servers}
    plan = in_disguise(plans.read(state.name), disguise.backend or {}, state)
    with pytest.raises(NotDisposable, match=disguise.reason):
        attempt_reset(plan, state, disguise.own or {})
    return [line for server in servers for line in written_since(server, logs[server.name])]


def attempt_reset(plan: Plan, state: StackState, own: Mapping[str, str]) -> None:
    access = Access(state=state, plan=plan, stores=stores_of(plan))
    guard.require_disposable_plan(plan, state, access.stores, {**os.environ, **own})
    reset.reset(access.live(), access.recipe(), access.prepare, say=print)


def in_disguise(plan: Plan, environment: Mapping[str, str], state: StackState) -> Plan:
    """Return the plan with other variables for the backend, and the ports of ``state``."""
    ports = state.ports["postgres"]
    port = str(ports[5432])
    place = f"127.0.0.1:{port}" if state.engine == "local" else "postgres:5432"
    own = OWN_URL.replace("{place}", place)
    values = {
        key: value.replace("{place}", place).replace("{port}", port) for key, value in environment.items()
    }
    changed = {
        name: replace(service, environment={**service.environment, "DATABASE_URL": own})
        for name, service in plan.services.items()
        if "DATABASE_URL" in service.environment
    }
    backend = changed["backend"]
    changed["backend"] = replace(backend, environment={**backend.environment, **values})
    changed["postgres"] = replace(plan.services["postgres"], ports=ports)
    return replace(plan, services={**plan.services, **changed})


def through(state: StackState, port: int) -> StackState:
    """Return the state as it would be where the stack's port leads elsewhere."""
    return msgspec.structs.replace(state, ports={**state.ports, "postgres": {5432: port}})


@contextmanager
def commented(stack: Stack, change: Callable[[str], str | None] | None) -> Iterator[None]:
    """Change the comment of the live database as long as the block lasts."""
    with stack.sql("template1") as cursor:
        identity = mark.identify(cursor, "postgres")
        assert identity is not None
        text = identity.comment or ""
        if change is not None:
            cursor.execute("COMMENT ON DATABASE postgres IS %s", (change(text),))
        try:
            yield
        finally:
            if change is not None:
                cursor.execute("COMMENT ON DATABASE postgres IS %s", (text,))
