"""`nox -s integration` against its floor, in one run.

The floor is the longest chain of bare boots (the processes of the stack, started by hand in the order of
their dependencies, probed every 5 ms) plus the tests' own time. Usage: python benchmarks/floor.py [RUNS]
"""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stack import compose
from stack.engines.local.engine import LocalEngine
from stack.engines.local.launch import Launch
from stack.engines.protocol import Site
from stack.environments import virtualenv
from stack.plan import plan, ports
from stack.records import port_leases
from stack.system import programs

PATHS = {"backend": "/health/", "api-gateway": "/health"}


@dataclass(frozen=True, kw_only=True)
class BareService:
    """How a service is started by hand."""

    name: str
    launch: Launch
    port: int


async def prepare() -> tuple[list[BareService], dict[str, str], Path]:
    """Make the plan of the CI stack and everything it needs on disk; start nothing."""
    loaded = compose.load(ROOT / "compose" / "docker-compose.ci.yml")
    folder = Path(tempfile.mkdtemp(prefix="floor-", dir="/dev/shm"))
    site = Site(name="floor", folder=folder, scratch=folder, run=folder, token="floor", ephemeral=True)
    engine = LocalEngine()
    targets = ports.targets(loaded, loaded.services, engine="local", networks=False)
    leases = port_leases.lease("floor", loaded.services, targets, alive={"floor"})
    made = plan.make(
        loaded,
        name="floor",
        engine="local",
        services=loaded.services,
        ports=leases.ports,
        folders=engine.folders(loaded, site),
    )
    await engine.prepare(made, site, print)
    services = []
    for service in made.services.values():
        await engine.build(service, print)
        services.append(
            BareService(
                name=service.name, launch=engine.launch(service), port=next(iter(service.ports.values()))
            )
        )
    return services, dict(made.endpoints), folder


def is_ready(bare: BareService) -> bool:
    try:
        if bare.name in PATHS:
            connection = http.client.HTTPConnection("127.0.0.1", bare.port, timeout=5)
            connection.request("GET", PATHS[bare.name])
            return connection.getresponse().status == 200
        with socket.create_connection(("127.0.0.1", bare.port), timeout=5) as redis:
            redis.sendall(b"PING\r\n")
            return redis.recv(5) == b"+PONG"
    except OSError:
        return False


def floor(services: list[BareService], endpoints: dict[str, str], python: Path) -> float:
    """Return the seconds from the first start to the end of the tests."""
    running: list[subprocess.Popen[bytes]] = []
    began = time.perf_counter()
    try:
        for bare in services:
            running.append(_start(bare))
            while not is_ready(bare):
                if running[-1].poll() is not None:
                    raise SystemExit(f"{bare.name} exited")
                time.sleep(0.005)
        argv = [str(python), "-m", "pytest", "-q", str(ROOT / "integration_tests")]
        subprocess.run(argv, env={**os.environ, **endpoints}, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began
    finally:
        for process in reversed(running):
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(10)
        for database in Path("/dev/shm").glob("floor-*/backend/run-shop/*"):
            database.unlink()  # every run begins without a database, as nox -s integration does


def _start(bare: BareService) -> subprocess.Popen[bytes]:
    launch = bare.launch
    account = None if launch.view else launch.user  # without its view it could not reach its programs
    process: subprocess.Popen[bytes] = subprocess.Popen(
        launch.argv,
        env=dict(launch.environment),
        cwd=launch.cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **programs.identity(account),
    )
    return process


def integration() -> float:
    began = time.perf_counter()
    subprocess.run(
        ["nox", "-s", "integration", "--", "--engine", "local", "-q"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    python = virtualenv.sync(ROOT / "integration_tests").python
    integration()  # warms every cache
    services, endpoints, folder = asyncio.run(prepare())
    try:
        pairs = [(floor(services, endpoints, python), integration()) for _ in range(runs)]
    finally:
        shutil.rmtree(folder)
        port_leases.release("floor")
    for low, high in pairs:
        print(f"floor {low:6.2f} s   nox -s integration {high:6.2f} s   ratio {high / low:.2f}")
    print(f"median ratio {statistics.median(high / low for low, high in pairs):.2f} (goal: 2.0, later 1.25)")


if __name__ == "__main__":
    main()
