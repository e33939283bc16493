"""What the benchmarks of a stack's data share: rounds, readers, a stack, and lines with ratios."""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "integration_tests")]

from data.stack import Stack, running

READERS = 16


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def median(work: Callable[[], object], rounds: int, *, pause: Callable[[], object] = lambda: None) -> float:
    """Return the median of several rounds; ``pause`` runs before each and is not counted."""
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


def report(
    name: str, value_s: float, against_s: float | None = None, *, at_most: float | None = None
) -> None:
    """Print one figure in milliseconds, its ratio to another one, and how large it may be."""
    ratio = f"   {value_s / against_s:7.3f} of {against_s * 1000:.0f} ms" if against_s else ""
    limit = f"   (at most {at_most:g}{'' if against_s else ' ms'})" if at_most is not None else ""
    print(f"{name:<48} {value_s * 1000:9.1f} ms{ratio}{limit}", flush=True)


@contextmanager
def stack_to_measure(*words: str) -> Iterator[tuple[Stack, Path]]:
    """Give a stack of its own and a folder that dies with it."""
    with tempfile.TemporaryDirectory(prefix="stack-bench-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "bench", "local", *words) as stack:
            stack.wait_for_spare()
            yield stack, Path(folder)
