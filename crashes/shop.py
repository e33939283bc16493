"""The whole shop on this machine: Postgres, Redis, Gunicorn with several workers, and its worker process."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from crashes import place, processes, servers
from crashes.books import Books
from crashes.clerk import Clerk
from crashes.inside.ledger import LEDGER
from crashes.inside.points import NOTES
from crashes.people import Lost, Person, ask
from crashes.processes import Program, children, until
from stack import environments

ROOT = Path(__file__).resolve().parent.parent
BACKEND = ROOT / "backend"
WORKERS = 3
WORKER_PAUSE_MS = 50
PLENTY = 100_000
"""Units of what a test sells, where it is not about selling out."""


class Shop:
    """What the tests see: programs to kill, people who buy, books to compare."""

    def __init__(self, folder: Path, environment: Mapping[str, str], python: Path) -> None:
        self.folder, self.environment, self._python = folder, environment, python
        self.port = int(environment["PORT"])
        self.web = self._program("gunicorn", "-m", "gunicorn", "crashes.inside.wsgi:application")
        self.worker = self._program("worker", "-m", "crashes.inside.manage", "run_worker")
        self.heartbeat = Path(environment["WORKER_HEARTBEAT"])
        self.notes = Path(environment[NOTES])
        self.redis: tuple[Program, int]

    def _program(self, name: str, *words: str) -> Program:
        argv = (str(self._python), *words)
        log = self.folder / f"{name}.log"
        return Program(argv=argv, log=log, cwd=BACKEND, environment=self.environment)

    def open(self) -> None:
        """Start Gunicorn, and wait until all of its workers are there and one answers."""
        self.web.start()
        until(self._answers, "the shop answers")
        until(lambda: len(self.web_workers()) == WORKERS, "all workers of Gunicorn are there")

    def _answers(self) -> bool:
        assert self.web.lives(), self.web.tail()
        with suppress(Lost):
            return ask(self.port, "GET", "/health/ready/", None, {}).status == 200
        return False

    def web_workers(self) -> set[int]:
        """Answer the pids of Gunicorn's workers."""
        return children(self.web.pid)

    def reload(self) -> None:
        """Ask Gunicorn to reload, and wait until every worker is another one."""
        before = self.web_workers()
        os.kill(self.web.pid, signal.SIGHUP)

        def renewed() -> bool:
            assert self.web.lives(), self.web.tail()
            now = self.web_workers()
            return len(now) == WORKERS and not now & before

        until(renewed, "every worker of Gunicorn is a new one")

    def worker_starts(self, **environment: str) -> None:
        """Start the worker process, and wait for the end of its first round unless it is to die."""
        self.heartbeat.unlink(missing_ok=True)
        self.worker.start(**environment)
        if "CRASH_AT" not in environment:
            until(self._worker_works, "the worker has done its first round")

    def _worker_works(self) -> bool:
        assert self.worker.lives(), self.worker.tail()
        return self.heartbeat.exists()

    def person(self) -> Person:
        return Person(port=self.port)

    def noted(self) -> list[str]:
        """Answer the places that were reached by those that were to, and forget them."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return lines

    @contextmanager
    def staffed(self) -> Iterator[Clerk]:
        """Give the clerk, who goes when the shop does."""
        argv = (str(self._python), "-m", "crashes.inside.clerk")
        log = self.folder / "clerk.log"
        clerk = Clerk(argv, cwd=BACKEND, environment=self.environment, log=log)
        try:
            yield clerk
        finally:
            clerk.end()


@contextmanager
def opened() -> Iterator[tuple[Shop, Books]]:
    """Give an open shop and its books; at the end nothing of it is left.

    Raises:
        AssertionError: something did not start, or something outlived the shop.
    """
    token = secrets.token_hex(8)
    with ExitStack() as ending:
        folder = ending.enter_context(place.folder())
        base = {"PATH": os.environ.get("PATH", os.defpath), processes.TOKEN: token, "LC_ALL": "C.UTF-8"}
        ending.callback(lambda: _nothing_left(token))
        postgres, postgres_port = servers.server(servers.POSTGRES, folder, base)
        ending.callback(postgres.end)
        redis, redis_port = servers.server(servers.REDIS, folder, base)
        ending.callback(redis.end)
        servers.postgres_starts(postgres, postgres_port)
        servers.redis_starts(redis, redis_port)
        settings = _settings(folder, postgres_port, redis_port)
        shop = Shop(folder, {**base, **settings}, environments.sync(BACKEND).python)
        shop.redis = (redis, redis_port)
        ending.callback(shop.web.end)
        ending.callback(shop.worker.end)
        shop.open()
        clerk = ending.enter_context(shop.staffed())
        books = ending.enter_context(Books.open(settings["DATABASE_URL"], Path(settings[LEDGER]), clerk))
        yield shop, books


def _settings(folder: Path, postgres_port: int, redis_port: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.ci",
        "DATABASE_URL": servers.database_url(postgres_port),
        "REDIS_URL": f"redis://{servers.HOST}:{redis_port}/0",
        "HOST": servers.HOST,
        "PORT": str(processes.free_port()),
        "WEB_CONCURRENCY": str(WORKERS),
        "RUN_WORKER_IN_PROCESS": "false",
        "WORKER_PAUSE_MS": str(WORKER_PAUSE_MS),
        "WORKER_HEARTBEAT": str(folder / "heartbeat"),
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
        NOTES: str(folder / "notes"),
        LEDGER: str(folder / "ledger"),
    }


def _nothing_left(token: str) -> None:
    left = processes.leave_nothing(token)
    if left and sys.exc_info()[0] is None:
        raise AssertionError(f"these outlived the shop: {left}")
