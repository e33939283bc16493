"""Reading the catalogue: queries, the cached product against a bare Django view, and the slowest responses.

Postgres, Redis and two workers, as in the local stack. Usage: python benchmarks/shop_reads.py [TURNS]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from shop_tools import ROOT, backend_python, bare_project, drive, free_port, gunicorn

from stack.control import session
from stack.control.choice import Choice

CONNECTIONS, REQUESTS = 16, 1500
LOGGING = ("--access-logfile", "-")
BARE = ("--workers", "2", "--worker-class", "gthread", "--threads", "8", "bare.wsgi")
COUNTING = """
import django, json, sys
django.setup()
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
settings.REDIS_URL = ""
client = Client(SERVER_NAME="localhost")
for path in sys.argv[1:]:
    client.get(path)
    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200, path
    print(json.dumps([path, len(found)]))
"""


def queries(paths: list[str], database: str) -> list[tuple[str, int]]:
    """Return how many queries each address costs with nothing cached."""
    settings = {"DJANGO_SETTINGS_MODULE": "config.settings.ci", "DATABASE_URL": database}
    ended = subprocess.run(
        [str(backend_python()), "-c", COUNTING, *paths],
        cwd=ROOT / "backend",
        env=os.environ | settings | {"VAULT_DISABLED": "true", "PYTHONPATH": ".", "LOG_LEVEL": "ERROR"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [tuple(json.loads(line)) for line in ended.stdout.splitlines()]


def read(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as response:
        return bytes(response.read())


def tail(taken: list[float]) -> tuple[float, float, float]:
    """Return the median, the 99th percentile, and how many times the one the other is."""
    middle, slow = statistics.median(taken), taken[int(len(taken) * 0.99)]
    return middle * 1000, slow * 1000, slow / middle


def spread(name: str, turns: list[list[float]]) -> None:
    """Say the usual turn's median and 99th percentile of one address."""
    middle, slow, ratio = map(statistics.median, zip(*map(tail, turns), strict=True))
    print(f"{name}: median {middle:.1f} ms, p99 {slow:.1f} ms, ratio {ratio:.1f}")


def load(url: str, path: str) -> tuple[float, list[float]]:
    """Drive one side."""
    return drive(url, path, connections=CONNECTIONS, requests=REQUESTS)


def compare(sides: dict[str, tuple[str, str]], turns: int) -> None:
    """Drive each side in turn, ours last; a ratio is that of one turn, for the machine's speed changes."""
    rounds = [[load(*side) for side in sides.values()] for _ in range(turns + 1)][1:]
    for name, column in zip(sides, zip(*rounds, strict=True), strict=True):
        ratio = statistics.median(row[-1][0] / speed for row, (speed, _) in zip(rounds, column, strict=True))
        speed = statistics.median(speed for speed, _ in column)
        print(f"{name}: {speed:.0f}/s, ours is {ratio:.2f} of it")
        spread(f"  {name}", [taken for _, taken in column])


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    os.environ["DEBUG"] = "False"  # Django's DEBUG keeps every query
    with (
        tempfile.TemporaryDirectory(prefix="shop-reads-") as folder,
        session.ephemeral_stack(Choice(kind="local", engine="local")) as kept,
    ):
        shop = kept.endpoints["BACKEND_URL"]
        items = json.loads(read(f"{shop}/api/v1/products?limit=1"))["items"]
        detail = f"/api/v1/products/{items[0]['slug']}"
        lists = ["/api/v1/products?limit=1", "/api/v1/products?limit=100"]
        for path, count in queries([*lists, detail], kept.endpoints["DATABASE_URL"]):
            print(f"{count} queries  {path}")

        project = bare_project(Path(folder), read(shop + detail))
        silent, logging = free_port(), free_port()
        with (
            gunicorn(project, "--bind", f"127.0.0.1:{silent}", *BARE, port=silent),
            gunicorn(project, "--bind", f"127.0.0.1:{logging}", *LOGGING, *BARE, port=logging),
        ):
            sides = {
                "bare view": (f"http://127.0.0.1:{silent}", "/health/"),
                "bare view that logs requests": (f"http://127.0.0.1:{logging}", "/health/"),
                "cached detail": (shop, detail),
            }
            compare(sides, turns)
        spread("list", [load(shop, "/api/v1/products?limit=20")[1]])


if __name__ == "__main__":
    main()
