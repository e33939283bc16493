"""The background worker: it relays events, releases stock and settles payments.

Every job may run in many workers at once, and each round repeats what an earlier one could not do.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections

from catalog.cache import flush_pending_invalidations
from config import vault
from core import metrics
from events.services import events_relay
from operations.purge import purge
from orders.services import orders_expire
from payments.deliveries import send_due_webhooks
from payments.services import payments_reconcile

logger = logging.getLogger("shop.worker")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One kind of work; `every` is the number of rounds between two runs."""

    name: str
    run: Callable[[], int]
    every: int = 1


JOBS = (
    Job(name="deliver sandbox webhooks", run=send_due_webhooks),
    Job(name="expire orders", run=orders_expire),
    Job(name="reconcile payments", run=payments_reconcile),
    Job(name="relay events", run=events_relay),
    Job(name="invalidate cached products", run=flush_pending_invalidations),
    Job(name="renew the Vault token", run=vault.token_renew, every=100),
    Job(name="purge outdated rows", run=purge, every=1000),
)


class Worker:
    """Run all jobs, round after round, until `stop`; a job that fails is tried again in the next round."""

    def __init__(self, jobs: tuple[Job, ...] = JOBS, *, heartbeat: Path | None = None) -> None:
        """`heartbeat` is touched after every round, so that a health check sees a worker that hangs."""
        self.jobs, self.heartbeat = jobs, heartbeat
        self.stopping = threading.Event()
        self._rounds = 0
        self._failing: set[str] = set()

    def run(self, *, pause_s: float) -> None:
        """Work until `stop`; pause after every round that found nothing to do."""
        while not self.stopping.is_set():
            if not self.run_round():
                self.stopping.wait(pause_s)

    def run_round(self) -> int:
        """Run every job that is due once; return how many rows were changed."""
        done = sum(self._run_job(job) for job in self.jobs if self._rounds % job.every == 0)
        self._rounds += 1
        if self.heartbeat is not None:
            self.heartbeat.touch()
        return done

    def stop(self) -> None:
        """End `run` after the current round."""
        self.stopping.set()

    def _run_job(self, job: Job) -> int:
        close_old_connections()
        try:
            done = job.run()
        except Exception as failure:
            metrics.WORKER_JOBS.labels(job.name, "failed").inc()
            self._log_once(job, failure)
            return 0
        metrics.WORKER_JOBS.labels(job.name, "done").inc()
        if job.name in self._failing:
            self._failing.discard(job.name)
            logger.info("Able to %s again", job.name)
        return done

    def _log_once(self, job: Job, failure: Exception) -> None:
        if job.name not in self._failing:
            self._failing.add(job.name)
            logger.warning("Could not %s, will try again: %s: %s", job.name, type(failure).__name__, failure)


def worker_start_thread() -> Worker:
    """Start a worker in a thread of this process, and return it."""
    worker = Worker()
    pause_s = settings.WORKER_PAUSE_MS / 1000
    threading.Thread(target=worker.run, kwargs={"pause_s": pause_s}, name="worker", daemon=True).start()
    return worker
