"""Stacks of several clones at once against one alone: conflicts, wall time, and what the processor allows.

Usage: python benchmarks/side_by_side.py [STACKS]    (8)
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ONE = ("-m", "stack.commands.integration", "--engine", "local", "-q")
GOAL = 3.0


def clone(folder: Path) -> Path:
    """Clone the repository into a work tree of its own."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


def start(tree: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, *ONE]
    return subprocess.Popen(argv, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run(trees: list[Path]) -> float:
    """Run the main job in all trees at once; return the seconds until the last has ended, all green."""
    began = time.monotonic()
    for job in [start(tree) for tree in trees]:
        output, _ = job.communicate()
        if job.returncode:
            raise SystemExit(f"exit code {job.returncode}:\n{output.decode()[-2000:]}")
    return time.monotonic() - began


def used_ports(tree: Path) -> list[int]:
    """Return the host ports of the last run in a tree."""
    plan = max(tree.glob(".stack/runs/*/plan.json"), key=lambda path: path.stat().st_mtime)
    services = json.loads(plan.read_text())["services"].values()
    return [port for service in services for port in service["ports"].values()]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as home:
        Path(home).chmod(0o755)
        trees = [clone(Path(home) / f"clone-{number}") for number in range(count)]
        run(trees[:1])  # makes environments and compiled code
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        alone = run(trees[:1])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        together = run(trees)
        ports = [port for tree in trees for port in used_ports(tree)]
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    limit = count * busy / (os.cpu_count() or 1)
    print(f"one stack {alone:.1f} s, of which {busy:.1f} s of a processor; {count} at once {together:.1f} s")
    print(f"{len(ports)} ports, {len(ports) - len(set(ports))} given twice; every run green")
    print(f"{count} at once / one {together / alone:.1f} (goal {GOAL:.0f})")
    print(f"{count} at once / what {os.cpu_count()} processors need for it {together / limit:.2f}")


if __name__ == "__main__":
    main()
