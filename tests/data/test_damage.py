"""A backup with a flipped bit or a lost end is refused before the database in use is touched."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from data.damage import rewrite
from data.stack import Stack
from data.test_backup import oid
from stack.commands import data_access
from stack.control import guardians
from stack.data import manifest, postgres, restoration
from stack.data.errors import BackupDamaged
from stack.data.guard import LiveData
from stack.data.loading import Source
from unprotected.protection import Cut, protected_by

MANIFEST = "stack/data/manifest.py"
SEED = int(os.environ.get("TEST_SEED", "14"))
Restore = Callable[[Path], None]


@protected_by(
    "the manifest carries a checksum of itself",
    Cut(MANIFEST, " or hashlib.sha256(unsigned).hexdigest() != manifest.checksum:", ":"),
)
@protected_by(
    "every file is compared with its SHA-256",
    Cut(MANIFEST, "if _checksum(path) != expected.sha256:", "if False:"),
)
def test_each_of_500_flipped_bits_is_noticed_and_its_file_named(copy: Path, restore: Restore) -> None:
    rng = random.Random(SEED)
    for path in sorted(copy.iterdir()):
        original = path.read_bytes()
        for _ in range(500 // 3 + 1):
            place = rng.randrange(len(original) * 8)
            damaged = bytearray(original)
            damaged[place // 8] ^= 1 << place % 8
            path.write_bytes(damaged)
            require_refused(restore, path, f"bit {place}")
        path.write_bytes(original)
    with pytest.raises(pytest.fail.Exception, match="the server was asked"):
        restore(copy)


def test_each_of_50_truncations_is_noticed_and_its_file_named(copy: Path, restore: Restore) -> None:
    rng = random.Random(SEED)
    for path in sorted(copy.iterdir()):
        original = path.read_bytes()
        for _ in range(50 // 3 + 1):
            length = rng.randrange(len(original))
            path.write_bytes(original[:length])
            require_refused(restore, path, f"{length} bytes")
        path.write_bytes(original)


@pytest.fixture
def restore(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Restore:
    """What restores a backup into the stack, up to the first question to its server, which fails."""
    monkeypatch.setenv("STACK_HOME", stack.environment["STACK_HOME"])
    access = data_access.access_to(guardians.require_running(stack.name))
    live = LiveData(server=access.server, redis=None, location=access.location())
    clients = access.clients()

    def ask(*words: object) -> None:
        pytest.fail("the server was asked")

    def restore(folder: Path) -> None:
        source, project = Source(folder=folder, clients=clients), access.plan.stack.name
        restoration.restore(
            source, live, project=project,
            migrate=None, keep_old=False, progress=lambda what, size: None, say=print,
        )  # fmt: skip

    monkeypatch.setattr(postgres, "session", ask)
    return restore


def require_refused(restore: Restore, path: Path, what: str) -> None:
    """Check that a backup is refused for the file ``path``, to which ``what`` was done."""
    with pytest.raises(BackupDamaged) as caught:
        restore(path.parent)
    assert str(path) in caught.value.message, what


@protected_by(
    "a backup is compared with its manifest before anything is restored",
    Cut("stack/data/restoration.py", "    manifest.require_files(folder, expected)\n", ""),
    cases=["redis.json.gz"],
)
@pytest.mark.parametrize("name", ["database.dump", "redis.json.gz", "manifest.json"])
def test_a_damaged_backup_is_refused_before_the_database_is_touched(
    stack: Stack, copy: Path, name: str
) -> None:
    before = (oid(stack), stack.databases())
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    for words in (("restore", str(copy)), ("backup", "--verify", str(copy))):
        done = stack.inv(*words)
        assert (done.code, name in done.output) == (46, True), done.output
    assert (oid(stack), stack.databases()) == before


@protected_by(
    "rows are counted after they were restored",
    Cut("stack/data/loading.py", "if expected.rows.get(table) != counted.get(table):", "if False:"),
)
def test_a_dump_that_is_not_what_the_manifest_counted_is_refused_by_verifying(
    stack: Stack, copy: Path
) -> None:
    before = stack.databases()
    rewrite(copy, rows={**manifest.read(copy).rows, "catalog_product": 999})
    done = stack.inv("backup", "--verify", str(copy))
    assert (done.code, "1000 rows of catalog_product; 999" in done.output) == (46, True), done.output
    assert stack.databases() == before
