"""What metrics cost without and with a scraper, against the code before them.

Three forms of each service take turns in one run: as it was, with metrics off, and with metrics on. Compared
is the processor time of a life with one request and of one small request, the least of many: what else runs
on the machine can only add to it.
Usage: python benchmarks/metrics_cost.py [TURNS]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import processor_time
import psutil
from shop_tools import ROOT, drive, free_port, is_up

from stack.environments import virtualenv

GOAL = 1.02
REQUESTS, ROUNDS = 200, 20
ADDED = "backend/core/metrics.py"


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
    service: Service, tree: Path, place: Path, *, metrics: bool, variables: Mapping[str, str] = {}
) -> Iterator[tuple[psutil.Process, str]]:
    """Start a service, with ``variables`` besides its own; give its process and address once it answers."""
    port, python = free_port(), virtualenv.sync(ROOT / service.folder).python
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.ci",
        "DATABASE_URL": f"sqlite:///{place}/shop-{port}.sqlite3",
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
        argv, cwd=tree / service.folder, env=os.environ | environment | dict(variables),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not is_up(port, service.path):
            time.sleep(0.01)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def boot_s(service: Service, tree: Path, place: Path, *, metrics: bool) -> float:
    """Return the processor time of a service that boots, answers once and ends, with its descendants.

    That of processes that have ended is known in microseconds, that of living ones in hundredths of a second.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with running(service, tree, place, metrics=metrics):
        pass
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(service: Service, trees: dict[str, Path], place: Path) -> dict[str, tuple[float, float]]:
    """Return for each form the processor seconds of its boot, and the least of one request."""
    boots = {form: boot_s(service, tree, place, metrics=form == "on") for form, tree in trees.items()}
    with ExitStack() as stack:
        forms = {
            form: stack.enter_context(running(service, tree, place, metrics=form == "on"))
            for form, tree in trees.items()
        }
        least = dict.fromkeys(forms, float("inf"))
        for _ in range(ROUNDS):
            for form, (process, url) in forms.items():
                before = processor_time.of_tree_ns(process)
                drive(url, service.path, connections=4, requests=REQUESTS)
                least[form] = min(least[form], (processor_time.of_tree_ns(process) - before) / 1e9 / REQUESTS)
    return {form: (boots[form], least[form]) for form in forms}


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory(prefix="metrics-cost-") as temporary:
        place = Path(temporary)
        write_tree_before(place)
        trees = {"before": place, "off": ROOT, "on": ROOT}
        for service in SERVICES:
            measure(service, trees, place)  # compiles code, makes the template
            seen = [measure(service, trees, place) for _ in range(turns)]
            for number, what in enumerate(("boot", "small request")):
                least = {form: min(each[form][number] for each in seen) for form in trees}
                print(
                    f"{service.folder}, {what}: before {least['before'] * 1e6:.0f} us of processor,"
                    f" off {least['off'] / least['before']:.3f} (goal {GOAL}),"
                    f" on {least['on'] / least['before']:.3f}, least of {turns}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
