"""The one guard before every verb that throws data away.

It acts in two steps, and a refusal in either has sent no statement that writes:

1. *Aim*: what the plan, the stack's state and the environment say, before anything is connected.
2. *Identity*: what the server itself says in a read-only session: that it is the stack's own server, and that
   the database carries this stack's disposable mark (see ``stack.data.mark``).

No question on a terminal stands in its place, and no option skips it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stack.data import mark
from stack.data.mark import Identity
from stack.data.stores import Redis, Server, Stores
from stack.errors import NotDisposable
from stack.plan.addresses import LOOPBACK
from stack.plan.service_plan import Plan, ServicePlan
from stack.records.state import StackState
from stack.system import processes

if TYPE_CHECKING:
    from psycopg2 import extensions

PROTECTED = re.compile(r"(?<![a-z])((pre)?prod(uction)?|prd|staging|stage|stg|live)(?![a-z])", re.IGNORECASE)
"""Words that name an environment which must not be touched."""

ENVIRONMENT_NAMES = re.compile(r"(^|_)(?<!^NODE_)(ENV|ENVIRONMENT|STAGE|TIER)$|^DJANGO_SETTINGS_MODULE$")
"""Variables whose value names an environment; NODE_ENV names how a program was built."""


SYSTEM_DATABASES = frozenset({"template0", "template1"})


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where the stack's own Postgres must be: its data folder (local), or its container's addresses.

    ``free_bytes`` tells how much room its disk has left, None where that cannot be known.
    """

    data_directory: Path | None = None
    addresses: frozenset[str] = frozenset()
    free_bytes: Callable[[], int | None] = lambda: None


@dataclass(frozen=True, kw_only=True)
class LiveData:
    """The data of a running stack: its Postgres, where that must be, and its Redis, None where none runs."""

    server: Server
    location: Location
    redis: Redis | None


@dataclass(frozen=True, kw_only=True)
class ServerFacts:
    """What a server says about itself: its data folder, and its address in this very session."""

    data_directory: str
    address: str | None


def plan_refusals(plan: Plan, state: StackState, stores: Stores, own: Mapping[str, str]) -> Iterator[str]:
    """Return every reason against throwing away the data of ``state`` that is known before connecting.

    ``own`` is the environment of the command itself.
    """
    if not processes.is_alive(state.pid, state.pid_started):
        yield f"{state.name} is not a living stack of this machine"
    if plan.name != state.name:
        yield f"the plan is that of {plan.name}"
    yield from _environment_refusals(plan, own)
    for address in stores.addresses:
        if not address.own:
            yield f"{address.variable} of {address.service} leads to {address.place}, not to the stack's own"
    if stores.server is not None:
        yield from _server_refusals(stores.server, state)


def _environment_refusals(plan: Plan, own: Mapping[str, str]) -> Iterator[str]:
    yield from _refusals_in("your environment", own)
    for name, planned in plan.services.items():
        yield from _refusals_in(name, planned.environment)


def _refusals_in(place: str, environment: Mapping[str, str]) -> Iterator[str]:
    for variable, value in environment.items():
        if ENVIRONMENT_NAMES.search(variable) and PROTECTED.search(value):
            yield f"{variable}={value} ({place}) names an environment that is not disposable"


def _server_refusals(server: Server, state: StackState) -> Iterator[str]:
    if server.host != LOOPBACK:
        yield f"{server.host} is not this machine"
    if server.port not in state.ports.get(server.service, {}).values():
        yield f"port {server.port} is none of {state.name}'s"
    if server.database in SYSTEM_DATABASES or PROTECTED.search(server.database.replace("_", " ")):
        yield f"the database {server.database!r} is not disposable by its name"


def identity_refusals(
    identity: Identity | None, facts: ServerFacts, location: Location, *, stack: str
) -> Iterator[str]:
    """Return every reason against it that the server itself gives."""
    if location.data_directory is not None and facts.data_directory != str(location.data_directory):
        yield f"the server keeps its data in {facts.data_directory}, which is not {stack}'s"
    if location.data_directory is None and facts.address not in location.addresses:
        yield f"the server that answers ({facts.address}) is not the container of {stack}"
    if identity is None:
        yield "there is no such database"
    elif identity.mark is None:
        yield "it carries no disposable mark"
    elif identity.mark.stack != stack:
        yield f"its mark is that of the stack {identity.mark.stack}"
    elif not mark.is_true(identity.mark, identity, stack=stack):
        yield "its mark was copied from another database"


def require_disposable_plan(plan: Plan, state: StackState, stores: Stores, own: Mapping[str, str]) -> None:
    """Check that a destructive command is aimed at disposable data, before any connection.

    Raises:
        NotDisposable: with the first reason against it.
    """
    for reason in plan_refusals(plan, state, stores, own):
        raise NotDisposable(
            f"The data of {state.name} is not touched: {reason}.",
            hint="Only data of running stacks of this machine is disposable; see `inv ps`.",
        )


def require_removable_remains(name: str, unmarked: str | None, own: Mapping[str, str]) -> None:
    """Check what is known without a server, before the volumes of a stack are deleted.

    ``unmarked`` is the database that had no mark when the stack was last up. One that nobody has looked at is
    the stack's own by the name and the label of its volume.

    Raises:
        NotDisposable: the environment, or that database, forbids it.
    """
    for reason in _refusals_in("your environment", own):
        raise _not_removed(name, reason)
    if unmarked is not None:
        raise _not_removed(name, f"the database {unmarked} had no disposable mark when the stack was last up")


def require_removable(plan: Plan, own: Mapping[str, str]) -> None:
    """Check what the plan and the environment say, before the volumes of a stack are deleted.

    Raises:
        NotDisposable: with the first reason against it.
    """
    for reason in _environment_refusals(plan, own):
        raise _not_removed(plan.name, reason)


def require_removable_database(
    cursor: extensions.cursor, plan: Plan, server: Server, location: Location
) -> None:
    """Check what the server itself says, before the volumes of its stack are deleted.

    Raises:
        NotDisposable: with the first reason against it.
    """
    identity = mark.identify(cursor, server.database)
    if identity is None:
        return
    for reason in identity_refusals(identity, _server_facts(cursor), location, stack=server.stack):
        raise _not_removed(plan.name, f"{reason} (database {server.database})")


def require_own_copy(cursor: extensions.cursor, server: Server, name: str, *, kind: mark.Kind) -> None:
    """Check that ``name`` is a database of this kind that the stack made itself; one that is gone is, too.

    Raises:
        NotDisposable: it carries no such mark.
    """
    identity = mark.identify(cursor, name)
    if identity is None:
        return
    found = identity.mark
    if found is None or found.kind != kind or not mark.is_true(found, identity, stack=server.stack):
        raise NotDisposable(
            f"The database {name} at {server.host}:{server.port} is not touched: it is no {kind} database.",
            hint=f"Only what {server.stack} made itself is dropped.",
        )


def _not_removed(name: str, reason: str) -> NotDisposable:
    return NotDisposable(
        f"The data of {name} is not deleted: {reason}.",
        hint="`inv down` ends the stack and keeps its data. See *Data* in docs/integration-environment.md.",
    )


def require_disposable_file(planned: ServicePlan, path: str, state: StackState) -> None:
    """Check that an SQLite file lies where everything dies with the stack, or is the stack's own volume.

    Raises:
        NotDisposable: it lies in a folder of the host.
    """
    for mount in planned.service.mounts:
        folder = planned.folders.get(mount.target, mount.target)
        if mount.type != "bind" and Path(path).is_relative_to(folder):
            return
    raise NotDisposable(
        f"The database file {path} of {state.name} is not touched: it lies in no volume of the stack.",
        hint="Put it into a tmpfs or a named volume of the service.",
    )


def require_disposable(cursor: extensions.cursor, server: Server, location: Location) -> Identity:
    """Check in any session of the server that its database may be thrown away.

    Raises:
        NotDisposable: with the first reason against it.
    """
    identity = mark.identify(cursor, server.database)
    for reason in identity_refusals(identity, _server_facts(cursor), location, stack=server.stack):
        raise NotDisposable(
            f"The database {server.database} at {server.host}:{server.port} is not touched: {reason}.",
            hint="`inv up` marks a database that it makes; `inv down --volumes`, `inv up` make a new one.",
        )
    assert identity is not None
    return identity


def _server_facts(cursor: extensions.cursor) -> ServerFacts:
    cursor.execute("SELECT current_setting('data_directory'), host(inet_server_addr())")
    row = cursor.fetchone()
    assert row is not None
    return ServerFacts(data_directory=row[0], address=row[1])
