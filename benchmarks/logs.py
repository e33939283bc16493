"""`inv logs` on large logs against small ones, and against the shell's own tools, in one run.

Usage: python benchmarks/logs.py [MIB]    (1024)
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / ".stack" / "runs"
SERVICES = ("api-gateway", "backend", "postgres", "worker")
RARE = "benchmark-needle"
STAMP = "@second@"
"""Stands for a date and time to the second."""
GOAL_S = 0.3
REPEATS = 3


@dataclass(frozen=True, kw_only=True)
class Measured:
    """``first_s``: until the first byte of output; ``peak_bytes``: the process' largest resident size."""

    first_s: float
    total_s: float
    peak_bytes: int


def record(name: str, size_bytes: int) -> Path:
    """Write the logs of a run, each as large as the others; each has one rare line in its middle."""
    run = RUNS / name
    shutil.rmtree(run, ignore_errors=True)
    (run / "logs").mkdir(parents=True)
    (run / "timeline.jsonl").write_text(json.dumps({"at": 0, "kind": "stack", "state": "down"}) + "\n")
    for service in SERVICES:
        write_log(run / "logs" / f"{service}.log", service, size_bytes // len(SERVICES))
    return run


def write_log(path: Path, service: str, size_bytes: int) -> None:
    """Write lines of a structured log, one a millisecond, and a rare one in the middle."""
    lines = "".join(_line(number) for number in range(1000))
    seconds = max(size_bytes // len(lines), 1)
    with path.open("w") as file:
        for second in range(seconds):
            stamp = f"2026-01-31T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            file.write(lines.replace(STAMP, stamp))
            if second == seconds // 2:
                file.write(f"{stamp}.999Z {RARE} of {service}\n")


def _line(number: int) -> str:
    message = f"GET /api/v1/products/{number} 200"
    entry = {"level": "info", "message": message, "request_id": "-", "pid": 7, "duration_ms": 1.5}
    return f"{STAMP}.{number:03}Z {json.dumps(entry)}\n"


def middle(file: str) -> str:
    """Return the second of the rare line."""
    return subprocess.run(["grep", "-m1", RARE, file], capture_output=True, text=True, check=True).stdout[:19]


def measure(argv: list[str]) -> Measured:
    """Run a command to its end, its output thrown away after the first byte was seen."""
    began = time.perf_counter()
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
    assert process.stdout is not None
    process.stdout.read(1)
    first_s = time.perf_counter() - began
    while process.stdout.read(1 << 20):
        pass
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{argv} ended with {process.returncode}")
    total_s = time.perf_counter() - began
    return Measured(first_s=first_s, total_s=total_s, peak_bytes=usage.ru_maxrss * 1024)


def median_first(argv: list[str]) -> float:
    """Return the seconds until the first byte, the median of several runs that end at once after it."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.read(1)
        times.append(time.perf_counter() - began)
        process.stdout.close()
        process.kill()
        process.wait()
    return statistics.median(times)


def compare(what: str, ours: list[str], theirs: list[str]) -> Measured:
    mine, other = measure(ours), measure(theirs)
    print(
        f"{what:<28} {mine.total_s:7.2f} s, {mine.peak_bytes >> 20:4} MiB; "
        f"{theirs[0]} {other.total_s:6.2f} s: {mine.total_s / other.total_s:.1f}"
    )
    return mine


def main() -> None:
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    runs = {
        name: record(f"00000000-benchmark-{name}", size << 20)
        for name, size in (("large", mib), ("small", 4))
    }
    logs = [sys.executable, "-m", "invoke", "logs", "--run"]
    files = sorted(map(str, (runs["large"] / "logs").iterdir()))
    try:
        floor_s = median_first([*logs, "benchmark-small"])
        first_s = median_first([*logs, "benchmark-large"])
        size_ms = (first_s - floor_s) * 1000
        print(
            f"first line of {mib} MiB after {first_s * 1000:.0f} ms, of 4 MiB after {floor_s * 1000:.0f} ms:"
        )
        print(f"  {first_s / floor_s:.2f}, the size costs {size_ms:.0f} ms (goal {GOAL_S * 1000:.0f})")
        small = measure([*logs, "benchmark-small"])
        everything = compare("all lines, merged", [*logs, "benchmark-large"], ["sort", "-m", *files])
        compare("a rare line", [*logs, "benchmark-large", "--grep", RARE], ["grep", "-h", RARE, *files])
        compare(
            "the last 100", [*logs, "benchmark-large", "--tail", "100"], ["tail", "-q", "-n", "100", *files]
        )
        second = middle(files[0])
        since = ["--since", f"{second}.000Z", "--until", f"{second}.999Z"]
        compare(
            "one second of the middle",
            [*logs, "benchmark-large", *since],
            ["grep", "-h", second, *files],
        )
        print(
            f"memory, {mib} MiB of logs / 4 MiB: {everything.peak_bytes / small.peak_bytes:.2f} "
            f"({everything.peak_bytes >> 20} and {small.peak_bytes >> 20} MiB)"
        )
    finally:
        for run in runs.values():
            shutil.rmtree(run, ignore_errors=True)


if __name__ == "__main__":
    main()
