"""What `nox -s integration` costs with the recorder on (the profile `recorder`), against without.

Both, and the profile `observability` with its metrics and Prometheus, take turns in one run.
Usage: python benchmarks/recorder.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOAL = 1.03
FORMS = {
    "without": (),
    "recorder": ("--profile", "recorder"),
    "observability": ("--profile", "observability"),
}


def took_s(options: tuple[str, ...]) -> float:
    """Return the seconds of one run that passes."""
    argv = (sys.executable, "-m", "stack.commands.integration", "--engine", "local", *options)
    began = time.monotonic()
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    return time.monotonic() - began


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    for options in FORMS.values():
        took_s(options)  # makes what is cached
    seen: dict[str, list[float]] = {form: [] for form in FORMS}
    for _ in range(rounds):
        for form, options in FORMS.items():
            seen[form].append(took_s(options))
            print(f"{form}: {seen[form][-1]:.1f} s", flush=True)
    without, recorder, everything = (statistics.median(seen[form]) for form in FORMS)
    print(
        f"median of {rounds}: {without:.1f} s without, {recorder:.1f} s with the recorder,"
        f" {recorder / without:.3f} (goal {GOAL}); {everything:.1f} s with observability,"
        f" {everything / without:.3f}"
    )


if __name__ == "__main__":
    main()
