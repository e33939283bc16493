"""`manage.py run_worker`: run the shop's background worker until TERM or INT."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config import tracing
from operations.worker import Worker


class Command(BaseCommand):
    """Relay events, release expired reservations, settle payments."""

    help = "Relay events, expire orders, settle payments. Ends at TERM after the current round."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--once`, which runs one round."""
        parser.add_argument("--once", action="store_true", help="run one round and end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the worker."""
        tracing.start("worker")
        worker = Worker(heartbeat=settings.WORKER_HEARTBEAT)
        if options["once"]:
            self.stdout.write(f"{worker.run_round()} done")
            return
        if settings.METRICS_ADDRESS is not None:
            from prometheus_client import start_http_server

            host, port = settings.METRICS_ADDRESS
            start_http_server(port, host)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        worker.run(pause_s=settings.WORKER_PAUSE_MS / 1000)
