"""The whole shop on this machine: Postgres, Redis, Gunicorn, and its worker process."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from crashes import processes, scratch, servers
from crashes.books import Books
from crashes.customers import Customer
from crashes.helper import Helper
from crashes.inside.ledger import LEDGER
from crashes.inside.points import NOTES, Fault
from crashes.processes import Program, until
from crashes.web import Web
from stack.environments import virtualenv
from stack.system.directories import ROOT

BACKEND = ROOT / "backend"
WORKER_PAUSE_MS = 50
WEBHOOK_SECRET = "shared-with-the-sandbox-provider"


class Shop:
    """The processes of the shop. Requests can kill workers of ``web``; ``plain`` is Gunicorn as shipped."""

    def __init__(self, folder: Path, environment: Mapping[str, str], python: Path) -> None:
        self.folder, self.environment, self._python = folder, environment, python
        # Loaded before the fork: after each of a hundred deaths only a fork is waited for.
        armed = ("--preload", "crashes.inside.wsgi:application")
        self.web = Web(self._program("web", "-m", "gunicorn", *armed))
        self.plain = Web(self._program("plain-web", "-m", "gunicorn", "config.wsgi:application"))
        self.worker = self._program("worker", "-m", "crashes.inside.manage", "run_worker")
        self.heartbeat = Path(environment["WORKER_HEARTBEAT"])
        self.notes = Path(environment[NOTES])
        self.redis: tuple[Program, int]

    def _program(self, name: str, *words: str) -> Program:
        argv = (str(self._python), *words)
        own = {**self.environment, "PORT": str(processes.free_port())}
        return Program(argv=argv, log=self.folder / f"{name}.log", cwd=BACKEND, environment=own)

    def start_worker(self, fault: Fault | None = None, *, mute: str = "") -> None:
        """Start the worker process; wait for its first round unless a fault will kill it."""
        self.heartbeat.unlink(missing_ok=True)
        self.worker.start(CRASH_AT=str(fault) if fault else "", CRASH_MUTE=mute)
        if fault is None or fault.action != "kill":
            until(self._worker_works, "the worker has done its first round")

    def _worker_works(self) -> bool:
        assert self.worker.is_running(), self.worker.tail()
        return self.heartbeat.exists()

    def customer(self) -> Customer:
        return Customer(port=self.web.port)

    def reached_places(self) -> list[str]:
        """Return the faults that happened since the last call."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return lines

    def has_reached(self, fault: Fault) -> bool:
        """Return whether the fault has happened since the last call of `reached_places`."""
        return self.notes.exists() and f"{fault}\n" in self.notes.read_text()

    @contextmanager
    def helper(self) -> Iterator[Helper]:
        """Start the helper process; end it with the block."""
        argv = (str(self._python), "-m", "crashes.inside.helper")
        log = self.folder / "helper.log"
        helper = Helper(argv, cwd=BACKEND, environment=self.environment, log=log)
        try:
            yield helper
        finally:
            helper.end()


@contextmanager
def running_shop(extra: Mapping[str, str] | None = None) -> Iterator[tuple[Shop, Books]]:
    """Start a shop; at the end of the block, check that nothing of it is left.

    ``extra`` is added to the environment of all its processes, the servers included.

    Raises:
        AssertionError: something did not start, or something outlived the shop.
    """
    token = secrets.token_hex(8)
    with ExitStack() as ending:
        folder = ending.enter_context(scratch.folder())
        base = {"PATH": os.environ.get("PATH", os.defpath), processes.TOKEN: token, "LC_ALL": "C.UTF-8"}
        ending.callback(lambda: _nothing_left(token, folder))
        base |= extra or {}
        postgres, postgres_port = servers.server(servers.POSTGRES, folder, base)
        ending.callback(postgres.end)
        redis, redis_port = servers.server(servers.REDIS, folder, base)
        ending.callback(redis.end)
        servers.start_postgres(postgres, postgres_port)
        servers.start_redis(redis, redis_port)
        settings = _settings(folder, postgres_port, redis_port)
        shop = Shop(folder, {**base, **settings}, virtualenv.sync(BACKEND).python)
        shop.redis = (redis, redis_port)
        ending.callback(lambda: processes.end((shop.web.program, shop.plain.program, shop.worker)))
        shop.web.open()
        helper = ending.enter_context(shop.helper())
        books = ending.enter_context(Books.open(settings["DATABASE_URL"], Path(settings[LEDGER]), helper))
        yield shop, books


def _settings(folder: Path, postgres_port: int, redis_port: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.ci",
        "DATABASE_URL": servers.database_url(postgres_port),
        "REDIS_URL": f"redis://{servers.HOST}:{redis_port}/0",
        "HOST": servers.HOST,
        "WEB_CONCURRENCY": "2",  # as in the local stack
        "RUN_WORKER_IN_PROCESS": "false",
        "WORKER_PAUSE_MS": str(WORKER_PAUSE_MS),
        "WORKER_HEARTBEAT": str(folder / "heartbeat"),
        "PAYMENT_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        NOTES: str(folder / "notes"),
        LEDGER: str(folder / "ledger"),
    }


def _nothing_left(token: str, folder: Path) -> None:
    left = processes.kill_leftovers(token, folder)
    if left and sys.exc_info()[0] is None:
        raise AssertionError(f"these outlived the shop: {left}")
