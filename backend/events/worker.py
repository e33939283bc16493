"""What has to be done without being asked for: relaying events, releasing stock, settling payments.

Every job is safe to run by many workers at once, and each round takes up what an earlier one could not do.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections

from accounts.services import tokens_purge
from catalog.cache import missed_forget
from config import vault
from core.idempotency import answers_purge
from events.services import events_relay
from orders.services import orders_expire
from payments.sandbox import deliveries_make
from payments.services import payments_reconcile

logger = logging.getLogger("shop.worker")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One kind of work; `every` is the number of rounds between two runs."""

    name: str
    run: Callable[[], int]
    every: int = 1


JOBS = (
    Job(name="deliver sandbox webhooks", run=deliveries_make),
    Job(name="expire orders", run=orders_expire),
    Job(name="reconcile payments", run=payments_reconcile),
    Job(name="relay events", run=events_relay),
    Job(name="forget changed products", run=missed_forget),
    Job(name="renew the Vault token", run=vault.token_renew, every=100),
    Job(name="forget old answers", run=answers_purge, every=1000),
    Job(name="forget old tokens", run=tokens_purge, every=1000),
)


class Worker:
    """Runs all jobs, round after round, until told to stop; a job that fails is tried again next round."""

    def __init__(self, jobs: tuple[Job, ...] = JOBS, *, heartbeat: Path | None = None) -> None:
        """`heartbeat` is touched after every round, so that a health check sees a worker that hangs."""
        self.jobs, self.heartbeat = jobs, heartbeat
        self.stopping = threading.Event()
        self._rounds = 0
        self._failing: set[str] = set()

    def run(self, *, pause_s: float) -> None:
        """Works until `stop`, pausing after every round that found nothing to do."""
        while not self.stopping.is_set():
            if not self.round():
                self.stopping.wait(pause_s)

    def round(self) -> int:
        """Runs every job that is due once; answers how many things were done."""
        done = sum(self._done(job) for job in self.jobs if self._rounds % job.every == 0)
        self._rounds += 1
        if self.heartbeat is not None:
            self.heartbeat.touch()
        return done

    def stop(self) -> None:
        """Ends `run` after the round that is under way."""
        self.stopping.set()

    def _done(self, job: Job) -> int:
        close_old_connections()
        try:
            done = job.run()
        except Exception as failure:
            self._say_once(job, failure)
            return 0
        if job.name in self._failing:
            self._failing.discard(job.name)
            logger.info("Able to %s again", job.name)
        return done

    def _say_once(self, job: Job, failure: Exception) -> None:
        if job.name not in self._failing:
            self._failing.add(job.name)
            logger.warning("Could not %s, will try again: %s: %s", job.name, type(failure).__name__, failure)


def worker_start_thread() -> Worker:
    """Answers a worker that runs in a thread of this process, and ends with it."""
    worker = Worker()
    pause_s = settings.WORKER_PAUSE_MS / 1000
    threading.Thread(target=worker.run, kwargs={"pause_s": pause_s}, name="worker", daemon=True).start()
    return worker
