"""Give a stack the data of a new one, while its services run.

A warm spare is exchanged for the database in use. Where none is ready it is copied from its template, and
where there is no template either, the backend makes one first: both take longer and give the same result.

The next spare is made after the command has ended, by a process of its own (``stack.commands.spare``), which
`inv up` starts, too. It holds the same lock, so a reset that comes too early waits for it. Where it is
killed, what it left is dropped by the next one, and the next reset takes the longer way.
"""

from __future__ import annotations

from stack.data import exchange, guard, journal, lock, postgres, room, template
from stack.data.guard import LiveData, Location
from stack.data.lock import Say
from stack.data.stores import Server
from stack.data.template import Prepare, Recipe

VERB = "reset-db"


def reset(live: LiveData, recipe: Recipe, prepare: Prepare, *, say: Say) -> float:
    """Exchange the stack's database for one as ``recipe`` says.

    Return how long services were kept out, in seconds.

    Raises:
        NotDisposable: the guard refuses.
        DataBusy: another command changes the data.
        DiskFull: there is no room for a copy.
        CommandFailed: the backend could not prepare a database.
    """
    server, location = live.server, live.location
    with lock.exclusive(server.stack, say=say), room.explained(server, location):
        journal.heal(server.stack)
        with postgres.session(server) as cursor:
            guard.require_disposable(cursor, server, location)
            spare = template.find_spare(cursor, server, recipe)
            if spare is not None:
                return exchange.exchange(cursor, server, live.redis, incoming=spare, verb=VERB).closed_s
            template.drop_unused(cursor, server, recipe)
            room.require(cursor, server, location)
        say("no spare database of this kind is ready: making one first")
        spare = template.make_spare(server, recipe, prepare)
        with postgres.session(server) as cursor:
            guard.require_disposable(cursor, server, location)
            return exchange.exchange(cursor, server, live.redis, incoming=spare, verb=VERB).closed_s


def drop_replaced(server: Server, location: Location, *, say: Say) -> None:
    """Drop the databases that commands have put others in the place of.

    Raises:
        NotDisposable, DataBusy: as ``reset``.
    """
    with lock.exclusive(server.stack, say=say, purpose=lock.SPARE):
        journal.heal(server.stack)
        with postgres.session(server) as cursor:
            guard.require_disposable(cursor, server, location)
            template.drop_replaced(cursor, server)


def make_ready(server: Server, location: Location, recipe: Recipe, prepare: Prepare, *, say: Say) -> None:
    """Make the spare for the next reset where none is ready.

    Raises: as ``reset``.
    """
    with lock.exclusive(server.stack, say=say, purpose=lock.SPARE), room.explained(server, location):
        journal.heal(server.stack)
        with postgres.session(server) as cursor:
            guard.require_disposable(cursor, server, location)
            template.drop_unused(cursor, server, recipe)
            ready = template.find_spare(cursor, server, recipe)
            if ready is None:
                room.require(cursor, server, location)
        if ready is None:
            template.make_spare(server, recipe, prepare)
