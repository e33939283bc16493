"""What metrics cost where nobody asks for them, and where somebody does, against the code before them.

Three forms of each service take turns in one run: as it was, with metrics off, and with metrics on. Processor
time is compared, of the boot to the first 200 and of one small request: it does not depend on who else works.
Usage: python benchmarks/metrics_cost.py [TURNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from shop_tools import ROOT, drive, free_port, is_up

from stack.environments import virtualenv

GOAL = 1.02
REQUESTS = 2000
ADDED = "backend/core/metrics.py"
FORMS = ("before", "off", "on")


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of the repository, the words that start it, and a small request."""

    folder: str
    program: str
    words: tuple[str, ...]
    path: str


SERVICES = (
    Service(folder="backend", program="gunicorn", words=("config.wsgi:application",), path="/health/"),
    Service(folder="ai-services/api_gateway", program="python", words=("-m", "gateway"), path="/health"),
)


def write_tree_before(folder: Path) -> None:
    """Write the services as they were before there were metrics."""
    log = ("git", "log", "--diff-filter=A", "--format=%H", "--", ADDED)
    added = subprocess.run(log, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[-1]
    names = [service.folder for service in SERVICES]
    archive = subprocess.run(
        ("git", "archive", f"{added}^", *names), cwd=ROOT, check=True, capture_output=True
    )
    subprocess.run(("tar", "-x", "-C", folder), input=archive.stdout, check=True)


@contextmanager
def running(
    service: Service, tree: Path, place: Path, *, metrics: bool
) -> Iterator[tuple[psutil.Process, str]]:
    """Start a service; give its process and address once it answers."""
    port, python = free_port(), virtualenv.sync(ROOT / service.folder).python
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.ci",
        "DATABASE_URL": f"sqlite:///{place}/shop.sqlite3",
        "TEMPLATE_DIR": str(place / "templates"),
        "SEED_PRODUCTS": "0",
        "VAULT_DISABLED": "true",
        "RUN_WORKER_IN_PROCESS": "false",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        "LOG_LEVEL": "WARNING",
        "METRICS_ADDRESS": f"127.0.0.1:{free_port()}" if metrics else "",
    }
    argv = [str(python.with_name(service.program)), *service.words]
    process = psutil.Popen(
        argv, cwd=tree / service.folder, env=os.environ | environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not is_up(port, service.path):
            time.sleep(0.01)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def processor_s(process: psutil.Process) -> float:
    """Return the processor time of a process and its descendants, those that have ended included."""
    seen = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(t.user + t.system + t.children_user + t.children_system for t in seen)


def measure(service: Service, tree: Path, place: Path, *, metrics: bool) -> tuple[float, float]:
    """Return the processor seconds of the boot, and of one request."""
    with running(service, tree, place, metrics=metrics) as (process, url):
        boot_s = processor_s(process)
        drive(url, service.path, connections=4, requests=500)
        before = processor_s(process)
        drive(url, service.path, connections=4, requests=REQUESTS)
        return boot_s, (processor_s(process) - before) / REQUESTS


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory(prefix="metrics-cost-") as temporary:
        place = Path(temporary)
        write_tree_before(place)
        trees = {"before": place, "off": ROOT, "on": ROOT}
        for service in SERVICES:
            seen: dict[str, list[tuple[float, float]]] = {form: [] for form in FORMS}
            for turn in range(turns + 1):  # the first one compiles code and makes the template
                for form in FORMS if turn % 2 else reversed(FORMS):
                    result = measure(service, trees[form], place, metrics=form == "on")
                    seen[form] += [result] if turn else []
            for number, what in enumerate(("boot", "small request")):
                medians = {form: statistics.median(pair[number] for pair in seen[form]) for form in FORMS}
                print(
                    f"{service.folder}, {what}: before {medians['before'] * 1e6:.0f} us of processor,"
                    f" off {medians['off'] / medians['before']:.3f} (goal {GOAL}),"
                    f" on {medians['on'] / medians['before']:.3f}, median of {turns}"
                )


if __name__ == "__main__":
    main()
