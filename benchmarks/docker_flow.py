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


def ours(engine: str, *chosen: str) -> Callable[[], None]:
    """Return a run of nox -s integration, of all tests or those that ``-k`` chooses."""
    return lambda: call("nox", "-s", "integration", "--", "--engine", engine, "-q", *chosen)


SAME = ("-k", " or ".join(name.removesuffix(".sh") for name in SCRIPTS))
ENVIRONMENT = ("-k", "not shop")
FLOWS: dict[str, Callable[[], None]] = {
    "best compose": waiting,
    "ours on docker, the same two scripts": ours("docker", *SAME),
    "ours on docker, tests of the environment": ours("docker", *ENVIRONMENT),
    "ours on docker, the shop's tests too": ours("docker"),
    "ours on local, tests of the environment": ours("local", *ENVIRONMENT),
    "ours on local, the shop's tests too": ours("local"),
}


def timed(flow: Callable[[], None]) -> float:
    began = time.perf_counter()
    flow()
    return time.perf_counter() - began


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    for flow in FLOWS.values():
        flow()  # images, environments and compiled code are there
    seconds = {name: statistics.median(timed(flow) for _ in range(runs)) for name, flow in FLOWS.items()}
    slow = timed(reference)
    print(f"{slow:6.1f} s  as documented: up -d, sleep 30, two scripts, down -v")
    for name, taken in seconds.items():
        goal = {"ours on docker": " (goal 3.5)", "ours on local": " (goal 7)"}.get(name.split(",")[0], "")
        print(f"{taken:6.1f} s  {name}; documented / this {slow / taken:.1f}{goal}")
    fair = seconds["best compose"] / seconds["ours on docker, the same two scripts"]
    print(f"best compose / ours on docker, the same two scripts {fair:.2f} (goal 1)")


if __name__ == "__main__":
    main()
