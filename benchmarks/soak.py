"""Up and down, again and again: what grows? And: green with both cores busy?

Usage: python benchmarks/soak.py cycles [N]    N times `inv up`, `inv down` (300)
       python benchmarks/soak.py busy [N]      N times the main job while every core is kept busy (100)
Other programs' processes are not counted in a namespace: unshare --pid --fork --mount-proc python ...
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stack.records import state


def burn(until: float) -> None:
    while time.time() < until:
        sum(range(10_000))


def scratch() -> Path:
    return state.scratch("any").parent


def is_running(process: Path) -> bool:
    """Return whether a process is this user's and no zombie; zombies have no command line."""
    try:
        return process.stat().st_uid == os.getuid() and bool((process / "cmdline").read_bytes())
    except OSError:
        return False


def footprint(home: Path) -> dict[str, int]:
    """Count this user's processes and open files, the files of state, the shared memory in use."""
    processes = [path for path in Path("/proc").glob("[0-9]*") if is_running(path)]
    opened = 0
    for process in processes:
        try:
            opened += len(list((process / "fd").iterdir()))
        except OSError:
            continue
    files = sum(1 for path in home.rglob("*") if path.is_file())
    shared = sum(path.stat().st_blocks * 512 for path in scratch().rglob("*") if path.is_file())
    return {"processes": len(processes), "open files": opened, "files of state": files, "memory held": shared}


def cycles(count: int) -> None:
    """Bring a stack up and down ``count`` times; compare the footprint after the third time with the last."""
    home = Path(tempfile.mkdtemp(prefix="soak-"))
    home.chmod(0o755)
    os.environ["STACK_HOME"] = str(home)
    before: dict[str, int] = {}
    try:
        for number in range(count):
            for words in (["up", "--stack", "ci", "--engine", "local"], ["down", "--stack", "ci"]):
                subprocess.run(["inv", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            if number == 2:
                before = footprint(home)
        after = footprint(home)
    finally:
        shutil.rmtree(home)
    print(f"{count} cycles")
    for name, value in before.items():
        growth = (after[name] - value) / value * 100 if value else float(after[name] - value)
        print(f"  {name:<15} {value:>10} -> {after[name]:>10}  {growth:+.1f}%")


def busy(count: int) -> None:
    """Run the main job ``count`` times with a busy loop on every core."""
    until = time.time() + 60 * count
    burners = [
        multiprocessing.Process(target=burn, args=(until,), daemon=True) for _ in range(os.cpu_count() or 2)
    ]
    for burner in burners:
        burner.start()
    green, worst = 0, 0.0
    for _ in range(count):
        began = time.monotonic()
        argv = [sys.executable, "-m", "stack.commands.integration", "--engine", "local", "-q"]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
        worst = max(worst, time.monotonic() - began)
        green += done.returncode == 0
        if done.returncode:
            print(done.stdout[-2000:], done.stderr[-1000:])
    for burner in burners:
        burner.terminate()
    print(f"{green} of {count} green while {len(burners)} busy loops ran; the slowest took {worst:.1f} s")


if __name__ == "__main__":
    number = int(sys.argv[2]) if len(sys.argv) > 2 else {"cycles": 300, "busy": 100}[sys.argv[1]]
    {"cycles": cycles, "busy": busy}[sys.argv[1]](number)
