"""The disk fills in the middle of a verb: a sentence, the old data intact, and all well with room again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from data.disks import FILLING, fill, make_room, small_disk, typed_on_a_full_disk
from data.stack import ENGINE, Done, Stack, running
from unprotected.protection import Cut, protected_by

LONG = os.environ.get("DATA_LONG") == "1"
DISK_FULL = 21
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Verb:
    """A command that writes, and what is left of the disk once its room was checked.

    ``new`` are the products, the orders and the trace in Redis after it has succeeded; None: as before.
    """

    words: tuple[str, ...]
    left_bytes: int
    new: tuple[str, int, str] | None = None
    after: tuple[str, str] = ("stack.data.room", "require")


VERBS = {
    "reset-db": Verb(words=("reset-db", "--products", "1500"), left_bytes=2 * MIB, new=("1500 0", 0, "0")),
    "seed": Verb(words=("seed", "--orders", "4000"), left_bytes=MIB, new=("1000 1000", 4000, "1")),
    "snapshot save": Verb(words=("snapshot", "save", "cut-short"), left_bytes=0),
    "snapshot restore": Verb(words=("snapshot", "restore", "seeded"), left_bytes=0, new=("1000 0", 0, "0")),
    "backup": Verb(words=("backup", "{disk}/backup"), left_bytes=100_000, after=("stack.data.keys", "read")),
    "restore": Verb(words=("restore", "{backup}"), left_bytes=2 * MIB, new=("1000 0", 0, "0")),
}


LEFT = [(name, left_bytes) for left_bytes in (0, 2 * MIB, 6 * MIB, 12 * MIB) for name in VERBS]
CASES = LEFT if LONG else [("snapshot restore", 12 * MIB)]
"""Postgres ends where it cannot write its log and fails where a file cannot grow; or it succeeds: a copy lies
in its memory and its log until the next checkpoint."""


@pytest.fixture(scope="module")
def disk(home: Path) -> Iterator[Path]:
    """A disk of its own for the state folder, the database in it."""
    with small_disk(home / "disk", "500m") as mounted:
        yield mounted


@pytest.fixture(scope="module")
def on_the_disk(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The words that put the volume of Postgres onto the small disk, where the engine keeps it elsewhere."""
    if ENGINE == "local":
        return ()
    folder, file = disk / "postgres", tmp_path_factory.mktemp("compose") / "small-disk.yml"
    folder.mkdir()
    options = {"type": "none", "o": "bind", "device": str(folder)}
    volume = {"driver": "local", "driver_opts": options}
    file.write_text(yaml.safe_dump({"volumes": {"postgres-data": volume}}))
    return ("--file", str(file))


@pytest.fixture(scope="module")
def small_stack(disk: Path, on_the_disk: tuple[str, ...]) -> Iterator[Stack]:
    """A stack whose data lies on the small disk, with a snapshot."""
    with running(disk / "home", "local", *on_the_disk) as stack:
        stack.typed("snapshot", "save", "seeded")
        yield stack
        make_room(disk)


@pytest.fixture(scope="module")
def backup(small_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup on another disk."""
    path = tmp_path_factory.mktemp("backups") / "good"
    small_stack.typed("backup", str(path))
    return path


def change(stack: Stack) -> None:
    """Make the data old: both stores carry a trace."""
    stack.redis("SET trace 1")
    with stack.sql() as cursor:
        cursor.execute("UPDATE catalog_product SET brand = 'old'")


def contents(stack: Stack) -> tuple[object, ...]:
    """Return what tells the old data from any other."""
    products = "SELECT count(*) || ' ' || count(*) FILTER (WHERE brand = 'old') FROM catalog_product"
    orders = "SELECT count(*) FROM orders_order"
    return stack.value(products), stack.value(orders), stack.redis("EXISTS trace")


def start_again(stack: Stack) -> None:
    """Do what the sentence says where Postgres ended: it does where it cannot write its log."""
    if stack.inv("health").code != 0:
        stack.typed("start", "postgres")
        stack.typed("health")


@protected_by(
    "a full disk is named, whoever fails of it",
    Cut("stack/data/room.py", "if free_bytes is None or free_bytes >= LOG_SEGMENT_BYTES:", "if True:"),
    cases=["restore"],
)
@pytest.mark.parametrize("name", VERBS)
def test_a_disk_that_fills_half_way_leaves_the_old_data(
    small_stack: Stack, backup: Path, disk: Path, name: str
) -> None:
    verb = VERBS[name]
    change(small_stack)
    before, there = contents(small_stack), sorted(disk.iterdir())
    done = typed_while_the_disk_fills(small_stack, verb, backup, disk, verb.left_bytes)
    assert (done.code, "room" in done.output, "Traceback" in done.output) == (DISK_FULL, True, False), (
        done.output
    )
    start_again(small_stack)
    assert contents(small_stack) == before
    assert sorted(disk.iterdir()) == there
    assert "cut-short" not in small_stack.typed("snapshot", "list")
    assert small_stack.get("/api/v1/products?limit=1")[0] == 200


@pytest.mark.parametrize(("name", "left_bytes"), CASES)
def test_however_much_is_left_the_data_is_wholly_old_or_wholly_new(
    small_stack: Stack, backup: Path, disk: Path, name: str, left_bytes: int
) -> None:
    verb = VERBS[name]
    small_stack.typed("restore", str(backup))
    change(small_stack)
    before = contents(small_stack)
    new = verb.new or before
    done = typed_while_the_disk_fills(small_stack, verb, backup, disk, left_bytes)
    assert (done.code in {0, DISK_FULL}, "Traceback" in done.output) == (True, False), done.output
    start_again(small_stack)
    is_old = contents(small_stack) == before
    assert contents(small_stack) in ({new} if done.code == 0 else {before, new}), done.output
    assert small_stack.get("/api/v1/products?limit=1")[0] == 200
    print(f"{name}, {left_bytes // MIB} MiB left: code {done.code}, {'old' if is_old else 'new'} data")
    small_stack.inv("snapshot", "delete", "cut-short")
    shutil.rmtree(disk / "backup", ignore_errors=True)


def typed_while_the_disk_fills(stack: Stack, verb: Verb, backup: Path, disk: Path, left_bytes: int) -> Done:
    """Type the verb; in the end there is room again."""
    words = [word.format(disk=disk, backup=backup) for word in verb.words]
    done = typed_on_a_full_disk(stack, *words, after=verb.after, disk=disk, left_bytes=left_bytes)
    assert (disk / FILLING).exists(), f"the disk was not filled: {done.output}"
    make_room(disk)
    return done


def test_with_room_again_the_same_commands_succeed(small_stack: Stack, backup: Path) -> None:
    change(small_stack)
    for words in (("restore", str(backup)), ("snapshot", "restore", "seeded"), ("reset-db",)):
        small_stack.typed(*words)
        assert contents(small_stack) == ("1000 0", 0, "0")


def test_a_swap_is_not_begun_on_a_full_disk(small_stack: Stack, disk: Path) -> None:
    small_stack.wait_for_spare()
    change(small_stack)
    before = contents(small_stack)
    fill(disk)
    done = small_stack.inv("reset-db")
    make_room(disk)
    assert "Traceback" not in done.output
    small_stack.typed("health")
    assert (done.code, contents(small_stack)) == (DISK_FULL, before), done.output
