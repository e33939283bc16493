"""Commands killed by SIGKILL: the data is wholly old or wholly new, and the next command heals the stack."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from data.stack import ROOT, Stack, standby_processes
from unprotected.protection import Cut, protected_by

LONG = os.environ.get("DATA_LONG") == "1"
SEED = int(os.environ.get("TEST_SEED", "14"))
MOMENTS = 100 if LONG else 4

EXCHANGE, JOURNAL = "stack/data/exchange.py", "stack/data/journal.py"
NEW_FOLDER = "stack/data/new_folder.py"
SNAPSHOT = "stack/data/snapshot.py"
UNNAMED = 'template.copy(cursor, server, server.database, kind="scratch", notes={})'
NAMED = (
    'template.copy(cursor, server, server.database, kind="snapshot",'
    ' notes={"name": name, "created": 0.0, "branch": "", "heads": {}})'
)
"""The copy is called a snapshot before Redis' keys are in it."""

VERBS = ("reset-db", "snapshot restore", "restore")

Point = tuple[str, str, int]
"""A function, by its module and name, and which call of it is the moment."""

POINTS: dict[str, Point] = {
    "before the services are kept out": ("stack.data.exchange", "close", 1),
    "while the services are kept out": ("stack.data.exchange", "_rename", 1),
    "after the renames": ("stack.data.journal", "finish", 1),
    "before Redis is filled": ("stack.data.keys", "replace", 1),
    "before the journal is removed": ("stack.data.keys", "forget", 1),
}
UNFINISHED = frozenset(list(POINTS)[:2])
"""Until then nothing has changed: the old data stays."""

KILLED_AT = """
import importlib, os, signal, sys
module, name, calls = sys.argv[1:4]
before, left = getattr(importlib.import_module(module), name), int(calls)
def killed(*words, **values):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return before(*words, **values)
setattr(importlib.import_module(module), name, killed)
from stack.control import standby
standby.run = lambda *words: None
sys.argv = ["inv", *sys.argv[4:]]
from invoke.main import program
program.run()
"""


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


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


def wait_until_well(stack: Stack) -> None:
    """Wait until every service is well; on a busy machine one may answer too late to be."""
    deadline = time.monotonic() + 60
    while (health := stack.inv("health")).code:
        assert time.monotonic() < deadline, health.output


def require_one_world(stack: Stack) -> str:
    """Return which data the stack has, after any command was typed; check that no part is of the other."""
    stack.wait_for_background()  # a command's standby undoes or completes what it had begun
    wait_until_well(stack)
    assert stack.get("/api/v1/products?limit=1")[0] == 200
    old = stack.value("SELECT count(*) FROM catalog_product WHERE brand = 'old'")
    trace = stack.redis("EXISTS trace")
    assert (old, trace) in {(0, "0"), (1000, "1")}
    assert not Path(stack.environment["STACK_HOME"], "stacks", stack.name, "exchange.json").exists()
    return "old" if old else "new"


@protected_by(
    "what was killed with the services kept out is undone by the next command",
    Cut(EXCHANGE, "    journal.write(begun)\n    closed_at", "    closed_at"),
    cases=["reset-db-while the services are kept out"],
)
@protected_by(
    "what was renamed is completed by the next command",
    Cut(JOURNAL, "        finish(begun)\n        return", "        return"),
    cases=["restore-after the renames"],
)
@protected_by(
    "it is the number of the database that says whether it was renamed",
    Cut(JOURNAL, "if live is not None and live.oid == begun.incoming_oid:", "if live is not None:"),
    cases=["reset-db-while the services are kept out"],
)
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_command_killed_at_each_step_leaves_wholly_old_or_new_data(
    stack: Stack, verbs: dict[str, tuple[str, ...]], verb: str, point: str
) -> None:
    if (verb, point) == ("reset-db", "before the journal is removed"):
        point = "before Redis is filled"  # a reset brings no keys along, and so forgets none
    change(stack)
    kill_at(POINTS[point], stack, *verbs[verb])
    assert require_one_world(stack) == ("old" if point in UNFINISHED else "new")


def kill_at(point: Point, stack: Stack, *words: str) -> None:
    """Type a command that does its work itself, and is killed at a point."""
    module, name, calls = point
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, module, name, str(calls),
         words[0], "--stack", stack.kind, *words[1:]],
        cwd=ROOT, env=stack.environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr


@protected_by(
    "a backup gets its name when it is whole",
    Cut(NEW_FOLDER, 'folder = parent / f"{PREFIX}{secrets.token_hex(4)}"', 'folder = parent / "b"'),
)
@protected_by(
    "what a killed backup left is removed by the next one beside it",
    Cut(NEW_FOLDER, "shutil.rmtree(folder)\n", "pass\n"),
)
def test_a_backup_that_was_killed_is_no_backup_and_nothing_of_it_stays(stack: Stack, tmp_path: Path) -> None:
    kill_at(("stack.data.manifest", "write", 1), stack, "backup", str(tmp_path / "b"))
    assert not (tmp_path / "b").exists()
    stack.typed("backup", str(tmp_path / "c"))
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@protected_by("a snapshot's mark is written when it is whole", Cut(SNAPSHOT, UNNAMED, NAMED))
def test_a_snapshot_that_was_killed_does_not_exist(stack: Stack) -> None:
    kill_at(("stack.data.keys", "store", 1), stack, "snapshot", "save", "cut-short")
    assert "cut-short" not in stack.typed("snapshot", "list")
    assert stack.get("/api/v1/products?limit=1")[0] == 200


@protected_by(
    "a database that was left closed opens when its server starts",
    Cut("stack/guardian/database.py", "await asyncio.to_thread(journal.open_abandoned, server)", "pass"),
)
def test_a_database_left_closed_opens_with_its_server(stack: Stack) -> None:
    """So it is left where Postgres ended together with the command that kept the services out."""
    with stack.sql("template1") as cursor:
        cursor.execute("ALTER DATABASE postgres ALLOW_CONNECTIONS false")
    stack.typed("restart", "postgres")
    assert stack.get("/api/v1/products?limit=1")[0] == 200


def test_a_command_killed_at_random_moments_leaves_wholly_old_or_new_data(
    stack: Stack, verbs: dict[str, tuple[str, ...]]
) -> None:
    rng, worlds = random.Random(SEED), Counter[str]()
    usual_s = {verb: seconds(partial(stack.typed, *words)) for verb, words in verbs.items()}
    for number in range(MOMENTS):
        verb = rng.choice(sorted(verbs))
        moment_s = usual_s[verb] * rng.uniform(0.1, 1.2)
        change(stack)
        process = subprocess.Popen(
            stack.argv(*verbs[verb]), cwd=ROOT, env=stack.environment, stdout=subprocess.DEVNULL
        )
        time.sleep(moment_s)
        for victim in standby_processes(stack.name)[1:] if number % 2 else []:
            victim.kill()  # a copy of the standby, which does the work
        process.kill()
        process.wait()
        world = require_one_world(stack)
        worlds[world] += 1
        print(f"{number + 1}: {verb} killed after {moment_s:.3f} of {usual_s[verb]:.3f} s: the {world} data")
    assert len(worlds) == 2 or not LONG, f"all moments were too early or too late: {worlds}"


def test_what_killed_commands_left_is_dropped(stack: Stack, verbs: dict[str, tuple[str, ...]]) -> None:
    stack.typed("reset-db")
    deadline = time.monotonic() + 60
    while leftovers := [n for n in stack.databases() if "__scratch_" in n or "__build" in n]:
        assert time.monotonic() < deadline, leftovers
        time.sleep(0.2)
