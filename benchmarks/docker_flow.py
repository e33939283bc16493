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
    subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def scripts() -> None:
    tests = f"{ROOT / 'integration_tests'}:/tests"
    for script in SCRIPTS:
        call(
            "docker", "run", "--network", "ecommerce-ci-network", "--rm", "-v", tests,
            "alpine/curl:latest", "sh", f"/tests/{script}",
        )  # fmt: skip


def reference() -> None:
    """up -d, sleep 30, two scripts, down -v: as documented."""
    call(*COMPOSE, "up", "-d")
    time.sleep(30)
    scripts()
    call(*COMPOSE, "down", "-v")


def waiting() -> None:
    """The best that plain compose can do: up -d --wait, two scripts, down -v."""
    call(*COMPOSE, "up", "-d", "--wait")
    scripts()
    call(*COMPOSE, "down", "-v")


def ours_docker() -> None:
    """nox -s integration on Docker: every test."""
    call("nox", "-s", "integration", "--", "--engine", "docker", "-q")


def ours_local() -> None:
    """nox -s integration on local: every test."""
    call("nox", "-s", "integration", "--", "--engine", "local", "-q")


def timed(flow: Callable[[], None]) -> float:
    began = time.perf_counter()
    flow()
    return time.perf_counter() - began


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    for flow in (waiting, ours_docker, ours_local):
        flow()  # images, environments and compiled code are there
    seconds = {flow: [timed(flow) for _ in range(runs)] for flow in (waiting, ours_docker, ours_local)}
    seconds[reference] = [timed(reference)]
    middle = {flow: statistics.median(values) for flow, values in seconds.items()}
    for flow in (reference, waiting, ours_docker, ours_local):
        print(f"{middle[flow]:6.1f} s  {flow.__doc__}")
    print(f"reference / ours on docker {middle[reference] / middle[ours_docker]:.1f} (goal 3.5)")
    print(f"reference / ours on local  {middle[reference] / middle[ours_local]:.1f} (goal 7)")
    print(f"compose --wait / ours on docker {middle[waiting] / middle[ours_docker]:.2f} (goal 1)")


if __name__ == "__main__":
    main()
