"""Threads of a Gunicorn worker of the shop: throughput and slowest responses by their number.

Postgres and Redis of a local stack, two workers. Usage: python benchmarks/shop_threads.py [TURNS [COUNT...]]
"""

from __future__ import annotations

import json
import os
import statistics
import sys

from shop_reads import read
from shop_tools import ROOT, drive, free_port, gunicorn

from stack.control import session
from stack.control.choice import Choice

COUNTS = (1, 2, 3, 4, 6, 8, 12)
CONNECTIONS, REQUESTS = 16, 800


def measure(url: str, path: str) -> tuple[float, float, float]:
    """Return requests a second, and the median and 99th percentile in milliseconds."""
    speed, taken = drive(url, path, connections=CONNECTIONS, requests=REQUESTS)
    return speed, statistics.median(taken) * 1000, taken[int(len(taken) * 0.99)] * 1000


def measure_count(
    threads: int, stores: dict[str, str], paths: dict[str, str]
) -> dict[str, tuple[float, ...]]:
    """Return the figures of every path with one number of threads, after a warm-up of each."""
    port = free_port()
    environment = {
        **stores,
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DEBUG": "False",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "RUN_WORKER_IN_PROCESS": "false",
        "VAULT_DISABLED": "true",
        "WEB_CONCURRENCY": "2",
        "WEB_THREADS": str(threads),
    }
    url = f"http://127.0.0.1:{port}"
    with gunicorn(ROOT / "backend", "config.wsgi:application", port=port, **environment):
        for path in paths.values():
            drive(url, path, connections=CONNECTIONS, requests=100)
        return {name: measure(url, path) for name, path in paths.items()}


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    counts = [int(word) for word in sys.argv[2:]] or list(COUNTS)
    os.environ["DEBUG"] = "False"
    with session.ephemeral_stack(Choice(kind="local", engine="local")) as kept:
        stores = {name: kept.endpoints[name] for name in ("DATABASE_URL", "REDIS_URL")}
        items = json.loads(read(f"{kept.endpoints['BACKEND_URL']}/api/v1/products?limit=1"))["items"]
        paths = {
            "cached product": f"/api/v1/products/{items[0]['slug']}",
            "list of 20": "/api/v1/products?limit=20",
        }
        rounds = [{count: measure_count(count, stores, paths) for count in counts} for _ in range(turns)]
    for name in paths:
        for count in counts:
            columns = zip(*(figures[count][name] for figures in rounds), strict=True)
            speed, middle, slow = map(statistics.median, columns)
            print(f"{name}, {count} threads: {speed:.0f}/s, median {middle:.1f} ms, p99 {slow:.1f} ms")


if __name__ == "__main__":
    main()
