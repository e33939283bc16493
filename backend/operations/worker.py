"""The background worker: it relays events, releases stock and settles payments.

Every job may run in many workers at once, and each round repeats what an earlier one could not do.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections

from catalog.cache import flush_pending_invalidations
from config import tracing, vault
from core import metrics
from events.relay import events_relay
from operations.purge import purge
from orders.services import orders_expire
from payments.deliveries import send_due_webhooks
from payments.services import payments_reconcile

logger = logging.getLogger("shop.worker")
QUIET_AFTER_S, QUIET_PAUSE_S = 10.0, 1.0
"""A worker that found nothing for so long asks less often, until it finds something."""


Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One kind of work, for every round, or for one round in `every_s` seconds."""

    name: str
    run: Callable[[], int]
    every_s: float = 0.0


JOBS = (
    Job(name="deliver sandbox webhooks", run=send_due_webhooks),
    Job(name="expire orders", run=orders_expire),
    Job(name="reconcile payments", run=payments_reconcile),
    Job(name="relay events", run=events_relay),
    Job(name="invalidate cached products", run=flush_pending_invalidations),
    Job(name="renew the Vault token", run=vault.token_renew, every_s=20.0),
    Job(name="purge outdated rows", run=purge, every_s=20.0),
)


class Worker:
    """Run all jobs, round after round, until `stop`; a job that fails is tried again in the next round."""

    def __init__(
        self, jobs: tuple[Job, ...] = JOBS, *, heartbeat: Path | None = None, clock: Clock = time.monotonic
    ) -> None:
        """`heartbeat` is touched after every round, so that a health check sees a worker that hangs."""
        self.jobs, self.heartbeat, self.clock = jobs, heartbeat, clock
        self.stopping = threading.Event()
        self._due_s: dict[str, float] = {}
        self._failing: set[str] = set()

    def run(self, *, pause_s: float) -> None:
        """Work until `stop`; pause after every round that found nothing to do."""
        found_s = self.clock()
        while not self.stopping.is_set():
            if self.run_round():
                found_s = self.clock()
            else:
                self.stopping.wait(pause_after(self.clock() - found_s, pause_s=pause_s))

    def run_round(self) -> int:
        """Run every job that is due once; return how many rows were changed."""
        done = sum(self._run_job(job) for job in self.jobs if self._is_due(job))
        if self.heartbeat is not None:
            self.heartbeat.touch()
        return done

    def stop(self) -> None:
        """End `run` after the current round."""
        self.stopping.set()

    def _is_due(self, job: Job) -> bool:
        now_s = self.clock()
        if now_s < self._due_s.get(job.name, now_s):
            return False
        self._due_s[job.name] = now_s + job.every_s
        return True

    def _run_job(self, job: Job) -> int:
        close_old_connections()
        try:
            with tracing.unrecorded():
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


def pause_after(quiet_s: float, *, pause_s: float) -> float:
    """Return how long a worker pauses that has found nothing for `quiet_s` seconds."""
    return pause_s if quiet_s < QUIET_AFTER_S else max(pause_s, QUIET_PAUSE_S)


def worker_start_thread() -> Worker:
    """Start a worker in a thread of this process, and return it."""
    worker = Worker()
    pause_s = settings.WORKER_PAUSE_MS / 1000
    threading.Thread(target=worker.run, kwargs={"pause_s": pause_s}, name="worker", daemon=True).start()
    return worker
