"""Commands killed by SIGKILL: the data is wholly old or wholly new, and the next command heals the stack."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data.stack import ROOT, Stack

LONG = os.environ.get("DATA_LONG") == "1"
SEED = int(os.environ.get("TEST_SEED", "14"))
MOMENTS = 100 if LONG else 4

POINTS = {
    "before the services are kept out": ("stack.data.exchange", "close"),
    "while the services are kept out": ("stack.data.exchange", "_rename"),
    "after the renames": ("stack.data.exchange", "_finish"),
    "before Redis is filled": ("stack.data.keys", "replace"),
    "before the journal is removed": ("stack.data.keys", "forget"),
}
KILLED_AT = """
import importlib, os, signal, sys
module, name = sys.argv[1:3]
def killed(*words, **values):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(importlib.import_module(module), name, killed)
sys.argv = ["inv", *sys.argv[3:]]
from invoke.main import program
program.run()
"""


@pytest.fixture(scope="module")
def verbs(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """Commands that each bring the seeded data, with the words to type them."""
    path = tmp_path_factory.mktemp("kills") / "backup"
    stack.typed("reset-db")
    stack.typed("snapshot", "save", "seeded")
    stack.typed("backup", str(path))
    return {
        "reset-db": ("reset-db",),
        "snapshot restore": ("snapshot", "restore", "seeded"),
        "restore": ("restore", str(path)),
    }


def change(stack: Stack) -> None:
    """Make the data old: both stores carry a trace."""
    stack.redis("SET trace 1")
    with stack.sql() as cursor:
        cursor.execute("UPDATE catalog_product SET brand = 'old'")


def require_one_world(stack: Stack) -> str:
    """Return which data the stack has, after any command was typed; check that no part is of the other."""
    stack.typed("health")
    assert stack.get("/api/v1/products?limit=1")[0] == 200
    old = stack.value("SELECT count(*) FROM catalog_product WHERE brand = 'old'")
    trace = stack.redis("EXISTS trace")
    assert (old, trace) in {(0, "0"), (1000, "1")}
    assert not Path(stack.environment["STACK_HOME"], "stacks", stack.name, "exchange.json").exists()
    return "old" if old else "new"


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("verb", ["reset-db", "snapshot restore", "restore"])
def test_a_command_killed_at_each_step_leaves_wholly_old_or_new_data(
    stack: Stack, verbs: dict[str, tuple[str, ...]], verb: str, point: str
) -> None:
    if (verb, point) == ("reset-db", "before the journal is removed"):
        point = "before Redis is filled"  # a reset brings no keys along, and so forgets none
    change(stack)
    words = [verbs[verb][0], "--stack", stack.kind, *verbs[verb][1:]]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, *POINTS[point], *words],
        cwd=ROOT, env=stack.environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    expected = "old" if point.endswith("kept out") else "new"
    assert require_one_world(stack) == expected


def test_a_command_killed_at_random_moments_leaves_wholly_old_or_new_data(
    stack: Stack, verbs: dict[str, tuple[str, ...]]
) -> None:
    rng = random.Random(SEED)
    for number in range(MOMENTS):
        verb = rng.choice(sorted(verbs))
        moment_s = rng.uniform(0.2, 0.9)
        change(stack)
        process = subprocess.Popen(
            stack.argv(*verbs[verb]), cwd=ROOT, env=stack.environment, stdout=subprocess.DEVNULL
        )
        time.sleep(moment_s)
        process.kill()
        process.wait()
        world = require_one_world(stack)
        print(f"{number + 1}: {verb} killed after {moment_s:.3f} s: the {world} data")


def test_what_killed_commands_left_is_dropped(stack: Stack, verbs: dict[str, tuple[str, ...]]) -> None:
    stack.typed("reset-db")
    deadline = time.monotonic() + 60
    while leftovers := [n for n in stack.databases() if "__scratch_" in n or "__build" in n]:
        assert time.monotonic() < deadline, leftovers
        time.sleep(0.2)
