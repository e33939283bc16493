"""What a command has begun to exchange: written first, removed last, read where the command was killed.

Where it was killed in between, ``heal`` lets the services in again, to the old database or, where the renames
were committed, to the new one, whose Redis data it puts in place.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass

from stack.data import keys, lock, mark, postgres, resp
from stack.data.stores import Redis, Server
from stack.errors import ServiceFailed, StackError
from stack.records import folders
from stack.system import files


@dataclass(frozen=True, kw_only=True)
class Journal:
    """An exchange that has begun: which database comes in, and whether it brings Redis data along."""

    server: Server
    redis: Redis | None
    incoming_oid: int
    verb: str
    carries_keys: bool


def write(begun: Journal) -> None:
    """Write down what is about to begin."""
    files.write_atomically(folders.exchange_journal(begun.server.stack), json.dumps(asdict(begun)))


def _read(stack: str) -> Journal | None:
    try:
        raw = json.loads(folders.exchange_journal(stack).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    redis = Redis(**raw["redis"]) if raw["redis"] else None
    return Journal(**{**raw, "server": Server(**raw["server"]), "redis": redis})


def finish(begun: Journal) -> None:
    """Put Redis' data in place, and remove the journal.

    Raises:
        ServiceFailed: Redis refuses; the journal stays.
    """
    try:
        _fill_redis(begun)
    except ServiceFailed as error:
        raise ServiceFailed(
            f"`inv {begun.verb}` has put its database in place, but not yet its Redis data: {error.message}",
            hint=f"The next data command completes it. {error.hint}",
        ) from error
    folders.exchange_journal(begun.server.stack).unlink(missing_ok=True)


def _fill_redis(begun: Journal) -> None:
    redis = begun.redis if begun.redis is not None and resp.is_running(begun.redis) else None
    if not begun.carries_keys:
        keys.replace(redis, [], announce=begun.verb)
        return
    with postgres.session(begun.server, begun.server.database) as cursor:
        rows = keys.load(cursor)
        if rows is not None:
            keys.replace(redis, rows, announce=begun.verb)
            with contextlib.suppress(StackError):  # what is in use is whole, with or without them
                keys.forget(cursor)


def heal(stack: str) -> str | None:
    """Complete or undo an exchange that was cut short; return what was done, None where there is none.

    A database that does not carry this stack's mark is not touched: another server has taken the port. The
    caller holds the lock of the stack's data.

    Raises:
        ServiceFailed: a server refuses; the journal stays.
    """
    begun = _read(stack)
    if begun is None:
        return None
    with postgres.session(begun.server) as cursor:
        live = mark.identify(cursor, begun.server.database)
        if live is not None and not mark.is_own(live, stack=stack):
            return None
        if live is not None:
            postgres.allow_connections(cursor, begun.server.database, allowed=True)
    if live is not None and live.oid == begun.incoming_oid:
        finish(begun)
        return f"{stack}: completed `inv {begun.verb}`, which was cut short"
    folders.exchange_journal(stack).unlink(missing_ok=True)
    return f"{stack}: undid `inv {begun.verb}`, which was cut short"


def heal_abandoned(stack: str) -> str | None:
    """Heal as ``heal`` does where no command is at work; one that cannot be healed now is left as it is."""
    with lock.exclusive_or_none(stack) as free, contextlib.suppress(StackError):
        return heal(stack) if free else None
    return None


def open_abandoned(server: Server) -> None:
    """Let the services into the database that a command kept them out of when its server, too, ended.

    Only where no command is at work, and only into a database of this stack.
    """
    with lock.exclusive_or_none(server.stack) as free:
        if not free:
            return
        with contextlib.suppress(StackError):  # what Redis refuses the next command does
            heal(server.stack)
        with postgres.session(server) as cursor:
            live = mark.identify(cursor, server.database)
            if live is not None and mark.is_own(live, stack=server.stack):
                postgres.allow_connections(cursor, server.database, allowed=True)
