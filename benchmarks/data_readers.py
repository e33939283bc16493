"""Clients that read one page as fast as they can until the input ends, and then print the answers they had.

Usage: python benchmarks/data_readers.py ADDRESS READERS
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter

TIMEOUT_S = 20.0


def read(address: str, ended: threading.Event, statuses: Counter[int], refusals: list[float]) -> None:
    """Read again and again; count the answers by their status and note when one was a refusal."""
    while not ended.is_set():
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT_S) as response:
                response.read()
                status = response.status
        except urllib.error.HTTPError as error:
            status = error.code
        statuses[status] += 1
        if status != 200:
            refusals.append(time.monotonic())


def main(address: str, readers: int) -> None:
    """Read until the input ends."""
    statuses: Counter[int] = Counter()
    refusals: list[float] = []
    ended = threading.Event()
    threads = [
        threading.Thread(target=read, args=(address, ended, statuses, refusals)) for _ in range(readers)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    ended.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"statuses": statuses, "last_refusal": max(refusals, default=0.0)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
