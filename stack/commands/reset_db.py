"""A fresh database for a living stack: its services are stopped, the data goes, they prepare it anew.

The services themselves migrate and seed when they start, so nothing of theirs is known here.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from stack.control import guardians, services
from stack.control.choice import Choice
from stack.data import database
from stack.display import messages
from stack.errors import NotDisposable
from stack.plan import images
from stack.plan.plan import LOOPBACK, Plan
from stack.records import plans
from stack.records.control import Action
from stack.records.state import StackState


def database_service(made: Plan) -> str | None:
    """Return the service that holds the database, None where a service keeps it in a file of its own."""
    for name, planned in made.services.items():
        if images.server_kind(planned.service.image or "") == "postgres":
            return name
    return None


def users_of(made: Plan, name: str) -> list[str]:
    """Return the services that need ``name``, directly or not, in start order."""
    users = {name}
    for other, planned in made.services.items():
        if any(d.service in users for d in planned.service.depends_on):
            users.add(other)
    return [n for n in made.services if n in users and n != name]


def file_users(made: Plan) -> list[str]:
    """Return the services that keep a database in a file (a ``sqlite:`` address), in start order."""
    return [
        n for n, p in made.services.items() if p.environment.get("DATABASE_URL", "").startswith("sqlite:")
    ]


def database_of(kept: StackState) -> str:
    """Reset the database of ``kept`` and return what was reset.

    Raises:
        ServiceFailed: a service did not become ready again.
    """
    made = plans.read(kept.name)
    holder = database_service(made)
    if holder is None:
        users = file_users(made)
        services.change_services(kept, Action.STOP, users)
        if kept.engine == "local":
            for name in users:
                _empty_scratch(made, name)
        services.change_services(kept, Action.START, users)
        return "the SQLite database"
    users = users_of(made, holder)
    services.change_services(kept, Action.STOP, users)
    service = made.services[holder]
    environment = service.service.environment
    user = environment.get("POSTGRES_USER", "postgres")
    database.recreate(
        host=LOOPBACK,
        port=next(iter(service.ports.values())),
        user=user,
        password=environment["POSTGRES_PASSWORD"],
        name=environment.get("POSTGRES_DB", user),
        stack=kept.name,
    )
    services.change_services(kept, Action.START, users)
    return "the Postgres database"


def _empty_scratch(made: Plan, name: str) -> None:
    planned = made.services[name]
    for mount in planned.service.mounts:
        if mount.type == "tmpfs":
            folder = Path(planned.folders[mount.target])
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)


def run(choice: Choice) -> None:
    """Give the stack a fresh database; refuses whatever is not a living stack of ours."""
    began = time.monotonic()
    kept = guardians.require_running(choice.resolve_name())
    _require_alive(kept)
    what = database_of(kept)
    messages.say(f"{kept.name}: {what} is fresh, migrated and seeded ({time.monotonic() - began:.1f} s)")


def _require_alive(kept: StackState) -> None:
    if guardians.alive(kept.name) is None:
        raise NotDisposable(
            f"{kept.name} is not a living stack of this machine.", hint="Start it with `inv up`."
        )
