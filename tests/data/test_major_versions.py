"""A backup goes into the major version of Postgres that it was made with: real servers of two of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.stack import Stack, running
from stack.data import manifest
from unprotected.protection import Cut, protected_by

NEWER = str(Path(__file__).parent / "postgres_18.yml")
CODE = 49


@pytest.fixture(scope="module")
def newer(home: Path) -> Iterator[Stack]:
    """A stack with Postgres 18, on the local engine: a wheel carries that server where none is installed."""
    with running(home / "newer", "local", "--file", NEWER, engine="local") as stack:
        yield stack


@pytest.fixture(scope="module")
def newer_backup(newer: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backups") / "newer"
    newer.typed("backup", str(path))
    return path


def require_refused(stack: Stack, backup: Path, sentence: str) -> None:
    """Check that neither verifying nor restoring a backup changes anything, and what is said."""
    before = (stack.oids(), stack.redis("DBSIZE"))
    for words in (("restore", str(backup)), ("backup", "--verify", str(backup))):
        done = stack.inv(*words)
        assert (done.code, sentence in done.output) == (CODE, True), done.output
    assert (stack.oids(), stack.redis("DBSIZE")) == before


@protected_by(
    "a backup goes into its own major version of Postgres",
    Cut("stack/data/manifest.py", "if manifest.postgres != postgres:", "if False:"),
)
def test_a_backup_of_a_newer_server_is_refused(stack: Stack, newer_backup: Path) -> None:
    require_refused(stack, newer_backup, "was made with Postgres 18; this stack runs Postgres 15")


def test_a_backup_of_an_older_server_is_refused(newer: Stack, good_backup: Path) -> None:
    require_refused(newer, good_backup, "was made with Postgres 15; this stack runs Postgres 18")


def test_the_newer_server_takes_its_own_backup(newer: Stack, newer_backup: Path) -> None:
    assert manifest.read(newer_backup).postgres == 18
    newer.typed("reset-db", "--empty")
    newer.typed("restore", str(newer_backup))
    assert newer.value("SELECT count(*) FROM catalog_product") == 1000
    assert newer.get("/api/v1/products?limit=1")[0] == 200
