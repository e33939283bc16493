"""`inv seed`"""

from __future__ import annotations

import contextlib
import sys
import threading
import time

from stack.commands import data_access
from stack.commands.data_access import Access
from stack.control.choice import Choice
from stack.data import guard, lock, postgres, room, rows
from stack.display import messages, seeding, tables
from stack.errors import StackError

PAUSE_S = 0.5


def run(choice: Choice, *, products: str, orders: str, seed: str) -> None:
    """Fill the shop up to so many products and past orders.

    Raises:
        InvalidOption: a number that makes no sense.
        NotUp, NotDisposable: it is no running stack, or not one whose data may be changed.
    """
    wanted = data_access.parse_size("--products", products), data_access.parse_size("--orders", orders)
    words = [
        "--products",
        products,
        "--orders",
        orders,
        "--seed",
        str(data_access.parse_size("--seed", seed)),
    ]
    access = data_access.open_access(choice)
    began = time.monotonic()
    with lock.exclusive(access.state.name, say=messages.say):
        if access.stores.server is None:
            _seed(access, words, sum(wanted))
        else:
            _seed_server(access, words, sum(wanted))
    seconds = time.monotonic() - began
    made = f"{tables.quantity(wanted[0], 'product')} and {tables.quantity(wanted[1], 'past order')}"
    messages.say(f"{access.state.name}: {made} ({seconds:.1f} s)")


def _seed_server(access: Access, words: list[str], total: int) -> None:
    server, location = access.server, access.location()
    with room.explained(server, location):
        with postgres.session(server) as cursor:
            guard.require_disposable(cursor, server, location)
            room.require(cursor, server, location, size_bytes=room.ROW_BYTES * total)
        _seed(access, words, total)


def _seed(access: Access, words: list[str], total: int) -> None:
    """Seed, and show meanwhile how far it is, by the size that the database has grown by."""
    done = threading.Event()
    with seeding.show_progress(sys.stdout, total) as progress:
        watcher = threading.Thread(target=_watch, args=(access, progress, done), daemon=True)
        if access.stores.server is not None:
            watcher.start()
        try:
            access.seed(words)
        finally:
            done.set()
            if watcher.is_alive():
                watcher.join()


def _watch(access: Access, progress: seeding.Advance, done: threading.Event) -> None:
    with contextlib.suppress(StackError), postgres.session(access.server, access.server.database) as cursor:
        before = rows.size_bytes(cursor)
        while not done.wait(PAUSE_S):
            # The rows are not committed yet; the pages that they lie in are there already.
            progress(rows.size_bytes(cursor) - before)
