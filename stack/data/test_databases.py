"""Databases of tests: each a copy of the stack's template, or empty, for one test.

A copy takes Postgres a tenth of a second, and so does dropping one. So copies are made before they are asked
for, and dropped when nothing else is to be done: a test waits for neither. Each carries the mark of a test's
database and the process that it was made for; where that was killed, the next
``template.drop_unused`` drops it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from stack.data import guard, lock, postgres, room, template
from stack.data.guard import Location
from stack.data.lock import Say
from stack.data.stores import Server
from stack.data.template import Prepare, Recipe
from stack.system import processes

READY = 2
"""So many copies wait for a test."""

DROPPED_LATER = 10
"""So many used ones may wait to be dropped."""


@dataclass(kw_only=True)
class TestDatabases:
    """The databases of the tests of one process."""

    __test__ = False

    server: Server
    location: Location
    recipe: Recipe
    prepare: Prepare
    say: Say
    _ready: deque[str] = field(default_factory=deque)
    _in_use: list[str] = field(default_factory=list)
    _used: deque[str] = field(default_factory=deque)
    _is_wanted: bool = False

    def fresh(self) -> str:
        """Return the name of a new database, migrated and seeded.

        Raises:
            NotDisposable: the guard refuses.
            CommandFailed: there was no template, and the backend could not make one.
        """
        self._is_wanted = True
        if not self._ready:
            self._ready.append(self._copy())
        return self._give(self._ready.popleft())

    def empty(self) -> str:
        """Return the name of a database without a table. Raises: NotDisposable."""
        with lock.exclusive(self.server.stack, say=self.say):
            return self._give(self._make(None))

    def take_back(self, name: str) -> None:
        """Let a database be dropped later."""
        self._in_use.remove(name)
        self._used.append(name)

    def work(self) -> bool:
        """Do one piece of work that no test waits for; return whether there was any."""
        is_full = not self._is_wanted or len(self._ready) >= READY
        if self._used and (is_full or len(self._used) >= DROPPED_LATER):
            self._drop(self._used.popleft())
        elif self._is_wanted and len(self._ready) < READY:
            self._ready.append(self._copy())
        else:
            return False
        return True

    def drop_all(self) -> None:
        """Drop every database that was made here."""
        for name in (*self._used, *self._ready, *self._in_use):
            self._drop(name)

    def _give(self, name: str) -> str:
        self._in_use.append(name)
        return name

    def _copy(self) -> str:
        with lock.exclusive(self.server.stack, say=self.say):
            with postgres.session(self.server) as cursor:
                guard.require_disposable(cursor, self.server, self.location)
                source = template.find(cursor, self.server, "template", self.recipe)
            return self._make(source or template.make_template(self.server, self.recipe, self.prepare))

    def _make(self, source: str | None) -> str:
        with postgres.session(self.server) as cursor:
            guard.require_disposable(cursor, self.server, self.location)
            room.require(cursor, self.server, self.location)
            owner = processes.own_pid()
            notes: dict[str, object] = {"owner": owner, "started": processes.started(owner)}
            name = template.copy(cursor, self.server, source, kind="test", notes=notes)
            postgres.allow_connections(cursor, name, allowed=True)
        return name

    def _drop(self, name: str) -> None:
        with postgres.session(self.server) as cursor:
            guard.require_own_copy(cursor, self.server, name, kind="test")
            postgres.drop(cursor, name)
