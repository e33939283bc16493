"""What commands on a stack's data begin with: its stores, the guard's first step, the backend's tools."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from stack.commands import in_services, server_location
from stack.commands.in_services import BACKEND
from stack.control import guardians
from stack.control.choice import Choice
from stack.data import fingerprint, guard, resp, stores
from stack.data.clients import VARIABLES, Clients
from stack.data.errors import NoSuchStore
from stack.data.guard import LiveData, Location
from stack.data.stores import Redis, Server, Stores
from stack.data.template import Recipe
from stack.errors import InvalidOption, ServerMissing, UpElsewhere
from stack.plan.images import ServerKind
from stack.plan.service_plan import Plan, ServicePlan
from stack.records import folders
from stack.records import plans as stored_plans
from stack.records.state import StackState

MAXIMUM = 1_000_000
"""The most products, and the most orders, that the backend makes."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """A running stack whose data a command may change."""

    state: StackState
    plan: Plan
    stores: Stores

    @property
    def server(self) -> Server:
        """Return the Postgres server.

        Raises:
            NoSuchStore: the stack has none.
        """
        if self.stores.server is None:
            raise NoSuchStore(
                f"{self.state.name} has no Postgres: only `inv reset-db` and `inv seed` apply to it.",
                hint="Name a stack with Postgres: `--stack local`.",
            )
        return self.stores.server

    @property
    def redis(self) -> Redis | None:
        """Return the Redis server, None where the stack runs none, or has stopped it.

        Raises:
            ServiceFailed: it runs and does not answer.
        """
        redis = self.stores.redis
        return redis if redis is not None and resp.is_running(redis) else None

    @property
    def backend(self) -> ServicePlan:
        """Return the service whose commands migrate and seed."""
        return in_services.backend_of(self.plan)

    def location(self) -> Location:
        """Return where the stack's own Postgres must be."""
        return server_location.of_server(self.state, self.plan, self.server)

    def live(self) -> LiveData:
        """Return what commands change, the Postgres and the Redis that run.

        Raises:
            NoSuchStore, ServiceFailed: as ``server`` and ``redis``.
        """
        return LiveData(server=self.server, redis=self.redis, location=self.location())

    def clients(self) -> Clients:
        """Return the Postgres clients of the server's own version.

        Raises:
            ServerMissing: there are none of that version.
        """
        server = self.server
        if self.state.engine != "local":
            given = (word for name in VARIABLES for word in ("--env", name))
            container = in_services.container(self.state, server.service)
            prefix = (self.state.engine, "exec", "--interactive", *given, container)
            return Clients(server=server, prefix=prefix, folder=None, port=stores.POSTGRES_PORT)
        from stack.engines.local import servers

        program = servers.client(self.plan.services[server.service].server_image, "pg_dump")
        if program is None:
            raise ServerMissing("There is no pg_dump here.", hint="Install a Postgres client.")
        return Clients(server=server, prefix=(), folder=Path(program).parent, port=server.port)

    def migrate(self, target: Server) -> None:
        """Bring the database of ``target`` to the migrations of the backend's code."""
        self._manage(target, ["migrate", "--no-input"], {})

    def recipe(self, *, products: int | None = None, orders: int = 0, seed: int = 0) -> Recipe:
        """Return what decides the content of a template of this stack."""
        return Recipe(code=self._code(), products=products, orders=orders, seed=seed)

    def _code(self) -> str:
        """Return what the backend prepares databases with: its image, or (local) the files of its code."""
        settings = self.backend.environment.get("DJANGO_SETTINGS_MODULE", "")
        size = self.backend.environment.get("SEED_PRODUCTS", "")
        return f"{self._content()} {settings} {size}"

    def _content(self) -> str:
        if self.state.engine == "local":
            assert self.backend.service.build is not None
            return fingerprint.of_backend(self.backend.service.build.context)
        path = folders.of_stack(self.state.name) / "compose.json"
        resolved = json.loads(path.read_text(encoding="utf-8"))
        if BACKEND not in resolved["services"]:
            raise UpElsewhere(
                f"{self.state.name} was started without {BACKEND}, whose image migrates and seeds.",
                hint="Type `inv down`, then `inv up`.",
            )
        return str(resolved["services"][BACKEND]["image"])

    def prepare(self, target: Server, recipe: Recipe) -> None:
        """Let the backend migrate and seed the empty database of ``target``.

        Raises:
            CommandFailed: it could not.
        """
        seeded = recipe.seed == 0
        size = {} if recipe.products is None else {"SEED_PRODUCTS": str(recipe.products)}
        self._manage(target, ["prepare"], size if seeded else {"SEED_PRODUCTS": "0"})
        if recipe.orders or not seeded:
            words = ["--products", str(recipe.products if recipe.products is not None else 1000)]
            words += ["--orders", str(recipe.orders)]
            words += [] if seeded else ["--seed", str(recipe.seed)]
            self._manage(target, ["seed", *words], {})

    def seed(self, words: Sequence[str]) -> None:
        """Let the backend seed the database in use, reached as this machine reaches it (local engine)."""
        values = {}
        if self.state.engine == "local" and self.stores.server is not None:
            values["DATABASE_URL"] = database_url(self.stores.server, inside=False)
        redis = self.redis
        if redis is None:
            values["REDIS_URL"] = ""
        elif self.state.engine == "local":
            values["REDIS_URL"] = f"redis://{redis.host}:{redis.port}/0"
        in_services.run(self.state, self.plan, ["python", "manage.py", "seed", *words], values)

    def refresh_file(self, recipe: Recipe) -> None:
        """Put fresh data into the SQLite file of the backend, while it is connected.

        Raises:
            NotDisposable: the file is not one that dies with the stack.
            CommandFailed: it could not.
        """
        guard.require_disposable_file(self.backend, self.stores.files[BACKEND], self.state)
        words = ["--orders", str(recipe.orders), "--seed", str(recipe.seed)]
        size = {} if recipe.products is None else {"SEED_PRODUCTS": str(recipe.products)}
        in_services.run(self.state, self.plan, ["python", "-m", "config.fresh", *words], size)

    def _manage(self, target: Server, words: Sequence[str], environment: Mapping[str, str]) -> None:
        url = database_url(target, inside=self.state.engine != "local")
        # Without Redis: what is made here must not change what the running services keep there.
        in_services.run(
            self.state,
            self.plan,
            ["python", "manage.py", *words],
            {"DATABASE_URL": url, "REDIS_URL": "", **environment},
        )


def parse_size(option: str, text: str) -> int:
    """Return a number of products or orders, or a seed.

    Raises:
        InvalidOption: it is not a number that the backend knows.
    """
    if not text.isdecimal() or int(text) > MAXIMUM:
        raise InvalidOption(f"{option}: {text!r} is not a number between 0 and {MAXIMUM}.")
    return int(text)


def parse_jobs(text: str) -> int | None:
    """Return how many processes work side by side, None where nothing is said.

    Raises:
        InvalidOption: it is not a number from 1 to 64.
    """
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise InvalidOption(f"--jobs: {text!r} is not a number between 1 and 64.")
    return int(text)


def open_access(choice: Choice) -> Access:
    """Return a running stack whose data may be changed, as far as can be known before connecting.

    Raises:
        NotUp: it does not run.
        NotDisposable: the guard refuses.
        NoSuchStore: it has several of a kind, of which one is known here.
    """
    access = access_to(guardians.require_running(choice.resolve_name()))
    for kind in ("postgres", "redis"):
        _require_single(access, kind)
    return access


def _require_single(access: Access, kind: ServerKind) -> None:
    names = [service.name for service in access.plan.servers(kind)]
    if len(names) > 1:
        raise NoSuchStore(
            f"{access.state.name} has several {kind} services ({', '.join(names)}); this command copies one.",
            hint="Use the programs of each: `inv exec SERVICE COMMAND`, or `inv psql --service SERVICE`.",
        )


def access_to(state: StackState) -> Access:
    """Return access to the data of a running stack.

    Raises:
        NotDisposable: the guard refuses.
    """
    plan = stored_plans.read(state.name)
    access = Access(state=state, plan=plan, stores=stores.stores_of(plan))
    guard.require_disposable_plan(plan, state, access.stores, os.environ)
    return access


def database_url(server: Server, *, inside: bool) -> str:
    """Return the address of a database for the backend; ``inside`` is as containers see it."""
    place = f"{server.service}:{stores.POSTGRES_PORT}" if inside else f"{server.host}:{server.port}"
    return f"postgresql://{quote(server.user)}:{quote(server.password)}@{place}/{quote(server.database)}"
