"""What the benchmarks of a stack's data share: rounds, readers, a stack, and lines with ratios."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
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


def typed(stack: Stack, words: Callable[[], tuple[str, ...]], rounds: int) -> tuple[float, float]:
    """Return the medians of what a user waits for a command, and of what its work took as it says itself.

    The work is all but Python's start, the imports, and the end of the process. Each round begins when
    nothing is at work in the background any more: what the round before it left to do is not its own.
    """
    waited, worked = [], []
    for _ in range(rounds):
        stack.wait_for_background()
        began = time.monotonic()
        output = stack.typed(*words())
        waited.append(time.monotonic() - began)
        worked.append(float(re.findall(r"\(.*?([0-9.]+) s\)", output)[-1]))
    return statistics.median(waited), statistics.median(worked)


class Readers:
    """Clients that read a list of products as fast as they can, and count the answers by their status.

    They are a process and a session of their own, as clients are: the kernel shares the processors fairly
    between sessions, and within one process threads wait for each other.
    """

    def __init__(self, stack: Stack) -> None:
        self._address = f"http://127.0.0.1:{stack.port('backend')}/api/v1/products?limit=5"
        self.statuses: dict[str, int] = {}
        self.last_refusal = 0.0

    def __enter__(self) -> Readers:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("data_readers.py")), self._address, str(READERS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        output = self._process.communicate()[0]
        counted = json.loads(output)
        self.statuses, self.last_refusal = counted["statuses"], counted["last_refusal"]


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
    # As on a user's machine, where Python keeps what it has compiled: some build machines tell it not to.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="stack-bench-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "bench", "local", *words) as stack:
            stack.wait_for_spare()
            yield stack, Path(folder)
