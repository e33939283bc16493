"""A service that exits at its start: how soon `docker compose up --wait` and the engine report it.

Usage: python benchmarks/docker_death.py [RUNS]; needs a Docker Engine that answers.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stack.control import guardians, session
from stack.control.choice import Choice

GOAL_S = 1.0
DIES = "import sys, time; print(time.time(), flush=True); sys.exit(3)"
SERVICE = {
    "image": "python:3.13-slim",
    "command": ["python", "-c", DIES],
    "ports": ["127.0.0.1::8000"],
    "healthcheck": {"test": ["CMD", "curl", "-f", "http://localhost:8000/"], "interval": "1s", "retries": 30},
}


def compose(file: Path) -> float:
    """Return the seconds from the service's last line to the end of ``up --wait``."""
    words = ["docker", "compose", "--project-name", "death", "--file", str(file)]
    ended = subprocess.run([*words, "up", "-d", "--wait"], capture_output=True, check=False)
    noticed = time.time()
    if ended.returncode == 0:
        raise SystemExit("compose reported success for a service that exited")
    log = subprocess.run(["docker", "logs", "death-web-1"], capture_output=True, text=True, check=True)
    subprocess.run([*words, "down", "--volumes"], capture_output=True, check=True)
    return noticed - float(log.stdout.split()[0])


def engine(tree: Path) -> float:
    """Return the seconds from the service's last line to the engine's verdict."""
    choice = Choice(kind="death", engine="docker", work_tree=tree)
    launched = guardians.launch(session.request(choice, ephemeral=True, deadline_s=30))
    noticed = 0.0
    for event in launched.events():
        if (event.kind, event.state) == ("service", "exited") and not noticed:
            noticed = time.time()
            launched.end()
    launched.process.wait(30)
    log = (launched.run / "logs" / "web.log").read_text()
    return noticed - float(log.split()[1])


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory(prefix="death-") as folder:
        tree = Path(folder)
        os.environ["STACK_HOME"] = str(tree / "home")
        file = tree / "compose" / "docker-compose.death.yml"
        file.parent.mkdir()
        file.write_text(json.dumps({"name": "death", "services": {"web": SERVICE}}))
        pairs = [(compose(file), engine(tree)) for _ in range(runs)]
    compose_s, engine_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"docker compose up --wait {compose_s:.2f} s, the engine {engine_s:.2f} s (goal {GOAL_S:.0f} s)")
    print(f"compose / engine {compose_s / engine_s:.2f} (goal 1)")


if __name__ == "__main__":
    main()
