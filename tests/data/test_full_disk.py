"""The disk of Postgres is full before a command begins, or fills while it works: the data stays as it was."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.stack import ENGINE, Stack, running

MIB = 1 << 20
SIZE = "600m"
DISK_FULL = 21
PRODUCTS = "SELECT count(*), sum(length(brand)) FROM catalog_product"

pytestmark = [
    pytest.mark.skipif(ENGINE != "local", reason="the data of a container lies on Docker's own disk"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk"),
]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk in memory, for the whole state of a stack."""
    folder = tmp_path_factory.mktemp("disk")
    for parent in [folder, *folder.parents][:4]:
        parent.chmod(parent.stat().st_mode | 0o111)  # the servers' account comes through here
    options = f"size={SIZE},mode=755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def small(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack on the small disk, with its write-ahead log elsewhere: without it Postgres itself ends."""
    log = tmp_path_factory.mktemp("log") / "pg_wal"
    with running(disk / "full", "local") as stack:
        data = Path(stack.value("SHOW data_directory"))
        for service in ("worker", "api-gateway", "backend", "postgres"):
            stack.typed("stop", service)
        shutil.move(data / "pg_wal", log)
        account = pwd.getpwuid(data.stat().st_uid)
        subprocess.run(["chown", "--recursive", account.pw_name, str(log)], check=True)
        for parent in log.parents[:4]:
            parent.chmod(parent.stat().st_mode | 0o111)
        (data / "pg_wal").symlink_to(log)
        for service in ("postgres", "backend", "api-gateway", "worker"):
            stack.typed("start", service)
        stack.typed("reset-db")
        yield stack


@pytest.fixture(scope="module")
def verbs(small: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """Commands that each need room for a copy of the data."""
    backup = tmp_path_factory.mktemp("full") / "backup"
    small.typed("snapshot", "save", "before")
    small.typed("backup", str(backup))
    return {
        "reset-db": ("reset-db", "--products", "77"),
        "snapshot save": ("snapshot", "save", "another"),
        "snapshot restore": ("snapshot", "restore", "before"),
        "restore": ("restore", str(backup)),
        "backup --verify": ("backup", "--verify", str(backup)),
    }


VERBS = ("reset-db", "snapshot save", "snapshot restore", "restore", "backup --verify")


@pytest.mark.parametrize("verb", VERBS)
def test_a_copy_that_would_fill_the_disk_is_not_begun(
    small: Stack, disk: Path, verbs: dict[str, tuple[str, ...]], verb: str
) -> None:
    before = world(small)
    with filled(disk, leave_bytes=40 * MIB):
        done = small.inv(*verbs[verb])
    assert (done.code, "There is no room left for a copy" in done.output) == (DISK_FULL, True), done.output
    assert world(small) == before


@pytest.mark.parametrize("verb", VERBS)
def test_a_disk_that_fills_in_the_middle_is_a_sentence_and_the_data_stays(
    small: Stack, disk: Path, verbs: dict[str, tuple[str, ...]], verb: str
) -> None:
    before = world(small)
    with filled_once_a_database_is_made(small, disk) as is_full:
        done = small.inv(*verbs[verb])
        assert is_full.is_set(), "the command made no database"
        assert (done.code, "Traceback" in done.output) == (DISK_FULL, False), done.output
        assert small.value(PRODUCTS) == before[1]
    small.typed("health")
    assert small.get("/api/v1/products?limit=1")[0] == 200
    small.typed("reset-db")  # heals, and drops what was half made
    wait_for_spare(small)
    assert [name for name in small.databases() if "__scratch_" in name or "__build" in name] == []


def test_a_reset_whose_spare_is_ready_needs_no_room(small: Stack, disk: Path) -> None:
    small.typed("reset-db")
    wait_for_spare(small)
    with small.sql() as cursor:
        cursor.execute("DELETE FROM catalog_variant")
    with filled(disk, leave_bytes=5 * MIB):
        small.typed("reset-db")
        assert small.value("SELECT count(*) FROM catalog_variant") > 0


def world(stack: Stack) -> tuple[object, object]:
    """Return what must not change: which database is in use, and what is in it."""
    return stack.value("SELECT oid FROM pg_database WHERE datname = 'postgres'"), stack.value(PRODUCTS)


def wait_for_spare(stack: Stack) -> None:
    """Wait until the spare that a reset began to make in the background is ready."""
    deadline = time.monotonic() + 120
    while not any("__spare_" in name for name in stack.databases()):
        assert time.monotonic() < deadline, "no spare was made"
        time.sleep(0.1)


@contextmanager
def filled(disk: Path, *, leave_bytes: int) -> Iterator[None]:
    """Fill the disk for the block, but for so many bytes."""
    filler = disk / "filler"
    try:
        fill(filler, shutil.disk_usage(disk).free - leave_bytes)
        yield
    finally:
        filler.unlink(missing_ok=True)


def fill(filler: Path, size_bytes: int) -> None:
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size_bytes)


@contextmanager
def filled_once_a_database_is_made(stack: Stack, disk: Path) -> Iterator[threading.Event]:
    """Fill the disk as soon as Postgres makes the folder of a further database."""
    base, filler = Path(stack.value("SHOW data_directory")) / "base", disk / "filler"
    known, is_full, ended = set(os.listdir(base)), threading.Event(), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            if set(os.listdir(base)) - known:
                fill(filler, shutil.disk_usage(disk).free)
                is_full.set()
                return
            time.sleep(0.0005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield is_full
    finally:
        ended.set()
        watcher.join()
        filler.unlink(missing_ok=True)
