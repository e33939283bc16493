"""Where a stack keeps its data, read from its plan: a Postgres server, a Redis server, an SQLite file.

Nothing is connected here. The addresses are those at which this machine reaches the servers, while
``addresses`` holds what the services themselves were given, so that the guard can compare the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import SplitResult, unquote, urlsplit

from stack.plan import file_variables
from stack.plan.addresses import LOOPBACK
from stack.plan.service_plan import Plan, ServicePlan, server_arguments

POSTGRES_PORT, REDIS_PORT = 5432, 6379
POSTGRES_SCHEMES = frozenset({"postgres", "postgresql", "postgis", "psql", "pgsql"})
"""As Django's and SQLAlchemy's readers of URLs know them."""
REDIS_SCHEMES = frozenset({"redis", "rediss"})
EVENT_STREAM = "EVENT_STREAM"
"""The variable by which a service is told the stream of Redis that it writes its events to."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """The Postgres server of a stack and the database that its services use."""

    stack: str
    service: str
    port: int
    user: str
    password: str
    database: str
    host: str = LOOPBACK


@dataclass(frozen=True, kw_only=True)
class Redis:
    """The Redis server of a stack. ``user`` is empty for the one that every server has.

    ``event_stream`` is the stream that a service of the stack writes events to, empty where none does.
    """

    service: str
    port: int
    user: str = ""
    password: str = ""
    host: str = LOOPBACK
    event_stream: str = ""


@dataclass(frozen=True, kw_only=True)
class Address:
    """A store's address as ``service`` was given it; ``own`` says that it is the stack's own server."""

    service: str
    variable: str
    place: str
    own: bool


@dataclass(frozen=True, kw_only=True)
class Stores:
    """All stores of one stack. ``files`` maps a service to the SQLite file it was told to use."""

    server: Server | None
    redis: Redis | None
    files: dict[str, str]
    addresses: tuple[Address, ...]


def stores_of(plan: Plan) -> Stores:
    """Return where the stack of ``plan`` keeps its data; of several servers of a kind the first."""
    postgres = next(iter(plan.servers("postgres")), None)
    redis = next(iter(plan.servers("redis")), None)
    urls = list(_urls(plan))
    addresses = tuple(
        Address(service=s, variable=v, place=_place(url), own=_is_own(url, server, plan))
        for s, v, url in urls
        for server in [postgres if url.scheme in POSTGRES_SCHEMES else redis]
        if url.scheme in POSTGRES_SCHEMES | REDIS_SCHEMES
    )
    return Stores(
        server=next(iter(servers_of(plan)), None),
        redis=_redis(redis, urls, event_stream=_event_stream(plan)),
        files={s: url.path[1:] for s, _, url in urls if url.scheme == "sqlite"},
        addresses=addresses,
    )


def servers_of(plan: Plan) -> list[Server]:
    """Return every Postgres server of a stack that this machine reaches, each with the database in use."""
    services = plan.servers("postgres")
    urls = [url for _, _, url in _urls(plan) if url.scheme in POSTGRES_SCHEMES]
    return [
        _server(plan, each, [url for url in urls if len(services) == 1 or _is_own(url, each, plan)])
        for each in services
        if each.ports
    ]


def _urls(plan: Plan) -> Iterator[tuple[str, str, SplitResult]]:
    for name, planned in plan.services.items():
        for variable, value in planned.environment.items():
            scheme = value.partition("://")[0].partition("+")[0]  # without its driver: postgresql+asyncpg
            if scheme in POSTGRES_SCHEMES | REDIS_SCHEMES | {"sqlite"} and "://" in value:
                yield name, variable, urlsplit(value)._replace(scheme=scheme)


def _place(url: SplitResult) -> str:
    return f"{url.hostname or 'a socket'}:{_port(url) or ''}{url.path}".replace(":/", "/")


def _port(url: SplitResult) -> int | None:
    default = POSTGRES_PORT if url.scheme in POSTGRES_SCHEMES else REDIS_PORT
    try:
        return url.port or default
    except ValueError:
        return None


def _is_own(url: SplitResult, server: ServicePlan | None, plan: Plan) -> bool:
    """Return whether ``url`` is the very address that the engine gives; an alias or ``?host=`` is not.

    On the local engine that is the service's name where it has its own network, else a port of this machine.
    """
    if server is None or "host" in url.query:
        return False
    if url.hostname == server.name and _port(url) in server.ports:
        return True
    return plan.engine == "local" and url.hostname == LOOPBACK and _port(url) in server.ports.values()


def _server(plan: Plan, planned: ServicePlan, urls: list[SplitResult]) -> Server:
    """Return a server; ``urls`` are those by which services are told of it."""
    user = file_variables.read(planned, "POSTGRES_USER") or "postgres"
    used = [url.path.strip("/") for url in urls]
    return Server(
        stack=plan.name,
        service=planned.name,
        port=planned.host_port(POSTGRES_PORT) or 0,
        user=user,
        password=file_variables.read(planned, "POSTGRES_PASSWORD"),
        database=unquote(used[0])
        if used and used[0]
        else file_variables.read(planned, "POSTGRES_DB") or user,
    )


def _event_stream(plan: Plan) -> str:
    """Return the stream that a service is told to write, be it started or not, "" where there is none."""
    told = (each.environment.get(EVENT_STREAM) for each in plan.stack.services.values())
    return next(filter(None, told), "")


def _redis(
    planned: ServicePlan | None, urls: list[tuple[str, str, SplitResult]], *, event_stream: str
) -> Redis | None:
    if planned is None or not planned.ports:
        return None
    user, password = _credentials(planned, urls)
    return Redis(
        service=planned.name,
        port=planned.host_port(REDIS_PORT) or 0,
        user=user,
        password=password,
        event_stream=event_stream,
    )


def _credentials(planned: ServicePlan, urls: list[tuple[str, str, SplitResult]]) -> tuple[str, str]:
    """Return the user and the password that Redis is started with, or by which services are told of it."""
    if password := _required_password(planned):
        return "", password
    for _, _, url in urls:
        if url.scheme in REDIS_SCHEMES and url.password:
            return unquote(url.username or ""), unquote(url.password)
    return "", ""


def _required_password(planned: ServicePlan) -> str:
    """Return the password that Redis is started with, empty where its words name none."""
    words = server_arguments(planned.service, planned.image) or ()
    return next((value for word, value in pairwise(words) if word == "--requirepass"), "")
