"""How much of its peak the shop serves at five times as many requests, and how fast it refuses the others.

    python benchmarks/gateway_overload.py [SECONDS A ROUND]

Peak and overload take turns, so that a busy machine slows both. The ratio is the median over the rounds.
A refusal is measured where the client is and in the gateway; what lies between is the wait for a processor,
which client, gateway and backend share.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

from gateway_load import Load, Result, shop

from abuse.services import Process

ROUNDS = 3
FACTOR = 5
PEAK_CONNECTIONS = 16
MAXIMUM_CONNECTIONS = 1000


def main(seconds: float) -> None:
    """Print one line a round and the ratio."""
    ratios, refused = [], []
    with shop() as gateway:
        Load(gateway.port, limit=PEAK_CONNECTIONS).closed_loop(seconds)  # warm
        for _ in range(ROUNDS):
            peak = Load(gateway.port, limit=PEAK_CONNECTIONS).closed_loop(seconds)
            before_s, logged_bytes = processor_s(gateway), gateway.log.stat().st_size
            over = Load(gateway.port, limit=MAXIMUM_CONNECTIONS).open_loop(seconds, FACTOR * peak.rate())
            ratios.append(over.rate() / peak.rate())
            refused += over.taken_s.get(503, [])
            show(peak, over)
            show_inside(gateway, logged_bytes, before_s)
    taken_ms = sorted(1000 * taken for taken in refused) or [0.0]
    rounds = ", ".join(f"{ratio:.0%}" for ratio in ratios)
    print(f"goodput at {FACTOR}x: {statistics.median(ratios):.0%} of the peak (rounds: {rounds})")
    print(
        f"503 within 50 ms: {sum(taken <= 50 for taken in taken_ms) / len(taken_ms):.2%} of {len(taken_ms)}"
    )


def show(peak: Result, over: Result) -> None:
    """Print what one round gave."""
    others = {status: len(taken) for status, taken in over.taken_s.items() if status not in (200, 503)}
    print(
        f"peak {peak.rate():.0f}/s; offered {FACTOR * peak.rate():.0f}/s: served {over.rate():.0f}/s "
        f"(p99 {1000 * over.quantile(0.99):.0f} ms), refused {over.rate(503):.0f}/s "
        f"(p50 {1000 * over.quantile(0.5, 503):.0f} ms, p99 {1000 * over.quantile(0.99, 503):.0f} ms, "
        f"max {1000 * over.quantile(1, 503):.0f} ms, {over.without_retry_after} without Retry-After), "
        f"others {others}, unanswered {over.unanswered}"
    )


def show_inside(gateway: Process, logged_bytes: int, before_s: tuple[float, float]) -> None:
    """Print what a refusal took inside of the gateway, and how long it had to wait for a processor."""
    with gateway.log.open("rb") as log:
        log.seek(logged_bytes)
        refusals = [json.loads(line)["duration_ms"] for line in log if b'"status": 503' in line]
    result = Result(seconds=0, taken_s={503: refusals})
    ran_s, waited_s = (after - before for after, before in zip(processor_s(gateway), before_s, strict=True))
    print(
        f"  in the gateway: refused in p50 {result.quantile(0.5, 503):.1f} ms, "
        f"p99 {result.quantile(0.99, 503):.1f} ms, max {result.quantile(1, 503):.1f} ms; "
        f"it ran {ran_s:.1f} s, and waited {waited_s:.1f} s for a processor"
    )


def processor_s(process: Process) -> tuple[float, float]:
    """Return for how long the threads of a process ran, and waited to run (proc(5), schedstat)."""
    files = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    numbers = [file.read_text().split() for file in files]
    ran_s, waited_s = (sum(int(line[column]) for line in numbers) / 1e9 for column in (0, 1))
    return ran_s, waited_s


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 5.0)
