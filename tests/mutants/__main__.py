"""``python -m mutants backend|gateway [MODULE...] [--sample N] [--seed N]``: the part that a unit test sees.

Every mutation is made in a copy of the project. The tests that run its line are run until one fails. What
survives is printed; ``equal.toml`` lists the mutations that no test can or should see, each with its reason.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mutants.coverage_map import CoverageMap, measure
from mutants.mutations import changed_lines, mutated, mutations
from mutants.parts import PARTS, files_to_mutate
from mutants.places import Equal, Mutation, equals, find_equal, sample
from mutants.runs import KILLED, NOT_COVERED, SURVIVED, TIMED_OUT, Deadlines, fork, preload, run_pytest

ROOT = Path(__file__).resolve().parents[2]
EQUAL = "equal"
GOAL = 0.85


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One copy of a project with its tests' coverage, and the mutations that are accepted."""

    folder: Path
    scratch: Path
    coverage: CoverageMap
    accepted: list[Equal]

    def verdict(self, mutation: Mutation) -> tuple[str, str]:
        """Return what became of a mutation, and a line about it."""
        file = mutation.file
        before, after = file.read_text(encoding="utf-8"), mutated(mutation)
        name = file.relative_to(self.folder).as_posix()
        old, new = changed_lines(before, after)
        about = f"{name}:{mutation.line} {mutation.operator}\n    - {old}\n    + {new}"
        # Before the tests, which may take minutes: a row that accepts too much makes the share smaller.
        if equal := find_equal(self.accepted, name, old, new):
            return EQUAL, f"{about}\n    {equal.reason}"
        tests = self.coverage.tests_of(file, mutation.line)
        with _replaced(file, after):
            return (self._run(tests) if tests else NOT_COVERED), about

    def _run(self, tests: Sequence[str]) -> str:
        def run() -> int:
            sys.dont_write_bytecode = True
            return run_pytest(self.folder, ["-x", "--tb=no", *tests], [Deadlines(self.coverage.seconds)])

        code = fork(run, self.scratch / "output")
        if code == -signal.SIGALRM:
            return TIMED_OUT
        return KILLED if code else SURVIVED


@contextmanager
def _replaced(file: Path, text: str) -> Iterator[None]:
    before = file.read_bytes()
    file.write_text(text, encoding="utf-8")
    Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
    try:
        yield
    finally:
        file.write_bytes(before)


def main(arguments: Sequence[str]) -> int:
    """Run the mutations; return 1 where fewer than the goal were seen."""
    parser = argparse.ArgumentParser(prog="mutants")
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="a pattern, such as core/*.py")
    parser.add_argument("--sample", type=int, help="so many, chosen at random; all without it")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args(arguments)
    part = PARTS[options.part]
    preload(part.preloaded)
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name) / part.folder
        shutil.copytree(ROOT / part.folder, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        files = files_to_mutate(folder, options.modules or part.modules)
        counted = _run(Path(name), folder, files, options)
    return _summary(counted, options.seed)


def _run(scratch: Path, folder: Path, files: Sequence[Path], options: argparse.Namespace) -> Counter[str]:
    found = [mutation for file in files for mutation in mutations(file)]
    chosen = found if options.sample is None else sample(found, options.sample, options.seed)
    print(f"{len(chosen)} of {len(found)} mutations in {len(files)} modules, seed {options.seed}", flush=True)
    trial = Trial(
        folder=folder,
        scratch=scratch,
        coverage=measure(folder, files, scratch),
        accepted=equals(Path(__file__).with_name("equal.toml")),
    )
    counted: Counter[str] = Counter()
    with suppress(KeyboardInterrupt):  # what was tried so far is a random sample, too
        for mutation in chosen:
            _try(trial, mutation, counted)
    return counted


def _try(trial: Trial, mutation: Mutation, counted: Counter[str]) -> None:
    began = time.monotonic()
    verdict, about = trial.verdict(mutation)
    counted[verdict] += 1
    if verdict != KILLED:
        taken_s = time.monotonic() - began
        print(f"{counted.total()}: {verdict} ({taken_s:.1f} s): {about}", flush=True)


def _summary(counted: Counter[str], seed: int) -> int:
    real = counted.total() - counted[EQUAL]
    seen = counted[KILLED] + counted[TIMED_OUT]
    print(", ".join(f"{number} {verdict}" for verdict, number in sorted(counted.items())) + f", seed {seed}")
    share = seen / real if real else 0.0
    print(f"{seen} of {real} were seen: {share:.1%} (goal {GOAL:.0%})")
    return 0 if share >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
