"""The documented Docker flows against `nox -s integration`, images built, in one run.

Usage: python benchmarks/docker_flow.py [RUNS]; needs a Docker Engine that answers.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = ["docker", "compose", "-f", "compose/docker-compose.ci.yml"]
SCRIPTS = ("test_health_endpoints.sh", "test_service_connectivity.sh")


def call(*argv: str) -> None:
    """Run a command; print what it said only where it fails."""
    done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        sys.stdout.buffer.write(done.stdout)
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}.")


def scripts() -> None:
    tests = f"{ROOT / 'integration_tests'}:/tests"
    for script in SCRIPTS:
        call(
            "docker", "run", "--network", "ecommerce-ci-network", "--rm", "-v", tests,
            "alpine/curl:latest", "sh", f"/tests/{script}",
        )  # fmt: skip


def reference() -> None:
    """Run the documented flow: up -d, sleep 30, two scripts, down -v."""
    call(*COMPOSE, "up", "-d")
    time.sleep(30)
    scripts()
    call(*COMPOSE, "down", "-v")


def waiting() -> None:
    """Run the fastest flow of plain compose: up -d --wait, two scripts, down -v."""
    call(*COMPOSE, "up", "-d", "--wait")
    scripts()
    call(*COMPOSE, "down", "-v")


def integration(engine: str, *options: str) -> Callable[[], None]:
    """Return a run of nox -s integration, of all tests or of those that ``-k`` selects."""
    return lambda: call("nox", "-s", "integration", "--", "--engine", engine, "-q", *options)


SAME = ("-k", " or ".join(name.removesuffix(".sh") for name in SCRIPTS))
ENVIRONMENT = ("-k", "not shop")
FLOWS: dict[str, Callable[[], None]] = {
    "best compose": waiting,
    "nox -s integration on docker, the same two scripts": integration("docker", *SAME),
    "nox -s integration on docker, tests of the environment": integration("docker", *ENVIRONMENT),
    "nox -s integration on docker, the shop's tests too": integration("docker"),
    "nox -s integration on local, tests of the environment": integration("local", *ENVIRONMENT),
    "nox -s integration on local, the shop's tests too": integration("local"),
}


def timed(flow: Callable[[], None]) -> float:
    began = time.perf_counter()
    flow()
    return time.perf_counter() - began


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    for flow in FLOWS.values():
        flow()  # makes images, environments and compiled code
    rounds = [{name: timed(flow) for name, flow in FLOWS.items()} for _ in range(runs)]
    seconds = {name: statistics.median(each[name] for each in rounds) for name in FLOWS}
    slow = timed(reference)
    print(f"{slow:6.1f} s  as documented: up -d, sleep 30, two scripts, down -v")
    for name, duration_s in seconds.items():
        goal = {
            "nox -s integration on docker": " (goal 3.5)",
            "nox -s integration on local": " (goal 7)",
        }.get(name.split(",")[0], "")
        print(f"{duration_s:6.1f} s  {name}; documented / this {slow / duration_s:.1f}{goal}")
    fair = seconds["best compose"] / seconds["nox -s integration on docker, the same two scripts"]
    print(f"best compose / ours on docker, the same two scripts {fair:.2f} (goal 1)")


if __name__ == "__main__":
    main()
