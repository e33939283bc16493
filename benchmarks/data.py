"""What reset, snapshot and backup cost, against what one would type without them; ratios of one run.

``python benchmarks/data.py [--engine local|docker] [--products N] [--orders M] [--rounds R]``
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

READERS = 16


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def median(work: Callable[[], object], rounds: int, *, pause: Callable[[], object] = lambda: None) -> float:
    """Return the median of several rounds; ``pause`` runs between them and is not counted."""
    taken = []
    for _ in range(rounds):
        pause()
        taken.append(seconds(work))
    return statistics.median(taken)


class Readers:
    """Clients that read a list of products as fast as they can, and count the answers by their status."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._ended = stack, threading.Event()
        self.statuses: Counter[int] = Counter()
        self.last_refusal = 0.0
        self._threads = [threading.Thread(target=self._read) for _ in range(READERS)]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        while not self._ended.is_set():
            status, _ = self._stack.get("/api/v1/products?limit=5")
            self.statuses[status] += 1
            if status != 200:
                self.last_refusal = time.monotonic()


def report(name: str, value_s: float, against_s: float | None = None) -> None:
    """Print one figure, and how many times faster it is than the other."""
    ratio = f"   {against_s / value_s:6.1f} x faster than {against_s:.2f} s" if against_s else ""
    print(f"{name:<44} {value_s * 1000:8.0f} ms{ratio}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default="local")
    parser.add_argument("--products", default="1000")
    parser.add_argument("--orders", default="5000")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    os.environ["DATA_ENGINE"] = asked.engine
    from data.stack import running

    size = ("--products", asked.products, "--orders", asked.orders)
    with tempfile.TemporaryDirectory(prefix="stack-bench-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "bench") as stack:
            measure(stack, size, Path(folder), asked.rounds)


def measure(stack: Stack, size: tuple[str, ...], folder: Path, rounds: int) -> None:
    """Print every figure of one stack."""

    def anew() -> None:
        stack.typed("down", "--volumes")
        stack.typed("up", "--engine", os.environ["DATA_ENGINE"])
        stack.typed("seed", *size)

    full = seconds(anew)
    stack.typed("reset-db", *size)
    with Readers(stack) as readers:
        reset = median(lambda: stack.typed("reset-db", *size), rounds, pause=lambda: wait_for_spare(stack))
        ended = time.monotonic()
        time.sleep(2)
    report("reset-db, start of the command included", reset, full)
    menu = median(lambda: subprocess.run([sys.executable, "-m", "invoke", "--list"], stdout=-3, cwd=ROOT), 3)
    report("  of which starting `inv`", menu)
    well = max(0.0, readers.last_refusal - ended)
    print(f"  {READERS} readers saw {dict(readers.statuses)}; the last refusal {well:.2f} s after the reset")
    wait_for_spare(stack)
    count = iter(range(1000))
    report("snapshot save", median(lambda: stack.typed("snapshot", "save", f"s{next(count)}"), rounds))
    report("snapshot restore", median(lambda: stack.typed("snapshot", "restore", "s0"), rounds))
    measure_backup(stack, folder, rounds)


def measure_backup(stack: Stack, folder: Path, rounds: int) -> None:
    """Print what a backup and its restore take beside the bare programs."""
    from stack.engines.local import servers

    where = ["-h", "127.0.0.1", "-p", str(stack.port("postgres")), "-U", "postgres"]
    environment = {**os.environ, "PGPASSWORD": "postgres"}
    dump = str(folder / "bare.dump")
    program = str(servers.client("postgres:15", "pg_dump"))
    words = [program, *where, "-Fc", "-f", dump, "postgres"]
    bare = median(lambda: subprocess.run(words, env=environment, check=True), rounds)
    count = iter(range(1000))
    written = median(lambda: stack.typed("backup", str(folder / f"b{next(count)}")), rounds)
    report("bare pg_dump -Fc", bare)
    report("backup, start of the command included", written)
    report("restore, verified", median(lambda: stack.typed("restore", str(folder / "b0")), rounds))


def wait_for_spare(stack: Stack) -> None:
    """Wait until the next spare is ready."""
    while not any("__spare_" in name for name in stack.databases()):
        time.sleep(0.1)


if __name__ == "__main__":
    from data.stack import Stack

    main()
