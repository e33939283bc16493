"""What reset, snapshot and backup cost, against what one would type without them; ratios of one run.

Usage: python benchmarks/data.py [--engine local|docker] [--products N] [--orders M] [--rounds R] [--tenfold]

``--tenfold`` measures ten times the data afterwards, and how many times longer each takes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from data_tools import ROOT, Readers, median, report, seconds, stack_to_measure, typed

from data.stack import PYTHON, Stack

RESET_MS = {"local": 300, "docker": 800}
SPARE_LIMIT_S = 600.0
Taken = dict[str, float]
"""Seconds by the name of what took them."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much data."""

    products: int
    orders: int

    @property
    def words(self) -> tuple[str, ...]:
        """Return the size as it is typed."""
        return ("--products", str(self.products), "--orders", str(self.orders))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default="local")
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--orders", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tenfold", action="store_true")
    asked = parser.parse_args()
    os.environ["DATA_ENGINE"] = asked.engine
    size = Size(products=asked.products, orders=asked.orders)
    with stack_to_measure() as (stack, folder):
        full_s = seconds(lambda: begin_anew(stack, size))
        taken = measure(stack, size, folder / "one", asked.rounds, full_s=full_s)
        if asked.tenfold:
            larger = Size(products=10 * size.products, orders=10 * size.orders)
            compare(taken, measure(stack, larger, folder / "ten", asked.rounds, full_s=None))


def begin_anew(stack: Stack, size: Size) -> None:
    """Do what one does without a reset."""
    stack.typed("down", "--volumes")
    stack.typed("up", "--engine", os.environ["DATA_ENGINE"])
    stack.typed("seed", *size.words)


def measure(stack: Stack, size: Size, folder: Path, rounds: int, *, full_s: float | None) -> Taken:
    """Print every figure of one size, and return them."""
    print(f"\n{size.products} products, {size.orders} orders", flush=True)
    folder.mkdir()
    stack.wait_for_spare(SPARE_LIMIT_S)
    template_s = seconds(lambda: stack.typed("reset-db", *size.words))
    report("the first reset-db, which makes the template", template_s)
    return {
        **measure_reset(stack, size, rounds, full_s=full_s),
        "swap": measure_swap(stack, size, rounds),
        **measure_snapshots(stack, rounds),
        **measure_backup(stack, folder, rounds),
    }


def measure_reset(stack: Stack, size: Size, rounds: int, *, full_s: float | None) -> Taken:
    """Print what a user waits for while clients read, and what the clients see."""
    alone_s, menu_alone_s = typed_reset(stack, size, rounds), typed_menu(rounds)
    with Readers(stack) as readers:
        reset_s, menu_s = typed_reset(stack, size, rounds), typed_menu(rounds)
        stack.wait_for_spare(SPARE_LIMIT_S)
        stack.typed("reset-db", *size.words)
        ended = time.monotonic()
        time.sleep(2)
    limit_ms = RESET_MS[os.environ["DATA_ENGINE"]]
    report("reset-db beside 16 readers, start included", reset_s, at_most=limit_ms)
    report("  of which starting `inv` (inv --list)", menu_s)
    report("reset-db, nobody reading", alone_s, at_most=limit_ms)
    report("  of which starting `inv` (inv --list)", menu_alone_s)
    if full_s is not None:
        print(f"  {full_s / alone_s:.1f} times faster than down --volumes, up, seed: {full_s:.2f} s (30)")
    well_s = max(0.0, readers.last_refusal - ended)
    print(f"  readers saw {readers.statuses}; the last refusal {well_s:.2f} s after the last reset (1 s)")
    return {"reset-db": alone_s, "reset-db beside readers": reset_s}


def typed_reset(stack: Stack, size: Size, rounds: int) -> float:
    """Return how long a user waits for a reset."""
    return median(
        lambda: stack.typed("reset-db", *size.words),
        rounds,
        pause=lambda: stack.wait_for_spare(SPARE_LIMIT_S),
    )


def typed_menu(rounds: int) -> float:
    """Return how long a user waits for a command that does nothing."""
    words = [PYTHON, "-m", "invoke", "--list"]
    return median(lambda: subprocess.run(words, stdout=subprocess.DEVNULL, cwd=ROOT, check=True), rounds)


def measure_swap(stack: Stack, size: Size, rounds: int) -> float:
    """Print how long the services are kept out, while clients read."""
    os.environ["STACK_HOME"] = stack.environment["STACK_HOME"]
    from stack.commands import data_access, spare
    from stack.control import guardians
    from stack.data import reset

    access = data_access.access_to(guardians.require_running(stack.name))
    recipe = access.recipe(products=size.products, orders=size.orders)
    closed: list[float] = []
    with Readers(stack):
        for _ in range(rounds):
            stack.wait_for_spare(SPARE_LIMIT_S)
            closed.append(reset.reset(access.live(), recipe, access.prepare, say=print))
            spare.start(access.state, recipe)
    report("the swap: no service reaches the database", statistics.median(closed), at_most=30)
    report("  the longest", max(closed))
    return statistics.median(closed)


def measure_snapshots(stack: Stack, rounds: int) -> Taken:
    """Print what saving and restoring takes."""
    stack.wait_for_spare(SPARE_LIMIT_S)
    names = [f"s{number}" for number in range(rounds)]
    left = iter(names)
    save_s = median(lambda: stack.typed("snapshot", "save", next(left)), rounds)
    report("snapshot save", save_s, at_most=1000)
    restore_s, _ = typed(stack, lambda: ("snapshot", "restore", names[0]), rounds)
    report("snapshot restore", restore_s, at_most=1000)
    for name in names:
        stack.typed("snapshot", "delete", name)
    return {"snapshot save": save_s, "snapshot restore": restore_s}


def measure_backup(stack: Stack, folder: Path, rounds: int) -> Taken:
    """Print what a backup and its restore take beside the bare programs."""
    bare_dump_s, bare_fast_s, bare_restore_s = measure_bare(stack, folder, rounds)
    count = iter(range(rounds))
    written_s, writing_s = typed(stack, lambda: ("backup", str(folder / f"b{next(count)}")), rounds)
    restored_s, restoring_s = typed(stack, lambda: ("restore", str(folder / "b0")), rounds)
    report("bare pg_dump -Fc (docker: by docker exec)", bare_dump_s)
    report("  with --compress=1, as `inv backup` calls it", bare_fast_s)
    report("backup, start of the command included", written_s, bare_dump_s, at_most=1.2)
    report("  its work alone", writing_s, bare_dump_s, at_most=1.2)
    report("bare createdb, pg_restore", bare_restore_s)
    report("restore, verified, start included", restored_s, bare_restore_s, at_most=1.2)
    report("  its work alone", restoring_s, bare_restore_s, at_most=1.2)
    return {"backup": written_s, "restore": restored_s}


def measure_bare(stack: Stack, folder: Path, rounds: int) -> tuple[float, float, float]:
    """Return the seconds of pg_dump, the same at its fastest compression, and createdb with pg_restore."""
    environment = {**os.environ, "PGPASSWORD": "postgres"}
    file = folder / "bare.dump"

    def dump(*options: str) -> None:
        with file.open("wb") as output:
            words = [*bare_client(stack, "pg_dump"), "-Fc", *options, "postgres"]
            subprocess.run(words, env=environment, stdout=output, check=True)

    def restore() -> None:
        with stack.sql("template1") as cursor:
            cursor.execute("CREATE DATABASE bare TEMPLATE template0")
        with file.open("rb") as dumped:
            words = [*bare_client(stack, "pg_restore"), "--exit-on-error", "-d", "bare"]
            subprocess.run(words, env=environment, stdin=dumped, check=True)

    def drop() -> None:
        with stack.sql("template1") as cursor:
            cursor.execute("DROP DATABASE IF EXISTS bare")

    fast_s, dump_s = median(lambda: dump("--compress=1"), rounds), median(dump, rounds)
    restore_s = median(restore, rounds, pause=drop)
    drop()
    return dump_s, fast_s, restore_s


def bare_client(stack: Stack, program: str) -> list[str]:
    """Return a client of the server's own version: of this machine, or of the server's container."""
    from stack.engines.container import resources
    from stack.engines.local import servers

    if (engine := os.environ["DATA_ENGINE"]) != "local":
        container = resources.container_of(stack.name, "postgres")
        return [engine, "exec", "--interactive", container, program, "-U", "postgres"]
    path = str(servers.client("postgres:15", program))
    return [path, "-h", "127.0.0.1", "-p", str(stack.port("postgres")), "-U", "postgres"]


def compare(one: Taken, ten: Taken) -> None:
    """Print how many times longer each takes with ten times the data."""
    print("\nten times the data takes (at most 10; the swap stays)")
    for name, value_s in ten.items():
        print(f"{name:<48} {value_s / one[name]:9.2f} times", flush=True)


if __name__ == "__main__":
    main()
