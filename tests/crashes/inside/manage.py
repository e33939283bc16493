"""The shop's manage.py, with a fault injected where CRASH_AT names one."""

from __future__ import annotations

import importlib
import os
import sys

from crashes.inside import ledger, points
from crashes.steps import RELAY_PLACES, WORKER_PLACES


def main() -> None:
    """Run one command."""
    importlib.import_module("django").setup()
    for place in os.environ.get("CRASH_MUTE", "").split():
        points.mute(place)  # before the worker's table of jobs is made of them
    ledger.record_calls()
    points.watch((*WORKER_PLACES, *RELAY_PLACES))
    points.arm(os.environ.get("CRASH_AT", ""))
    importlib.import_module("django.core.management").execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
