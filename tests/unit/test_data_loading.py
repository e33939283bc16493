from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from stack.data import backup, loading
from stack.data.clients import Clients
from stack.data.keys import Row
from stack.data.manifest import FORMAT, Manifest
from stack.data.stores import Server


def manifest_of(encryption: str) -> Manifest:
    return Manifest(
        format=FORMAT, project="shop", stack="shop", version="1", created="", postgres=15, migrations=(),
        rows={}, database_bytes=0, redis_keys=0, encryption=encryption, files={},
    )  # fmt: skip


def jobs(encryption: str, typed: int | None) -> tuple[int, list[str]]:
    said: list[str] = []
    number = loading.possible_jobs(manifest_of(encryption), typed, say=said.append)
    return number, said


def test_a_process_a_processor_restores_unless_another_number_is_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert jobs("", None) == (3, [])
    assert jobs("", 5) == (5, [])
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert jobs("", None) == (loading.JOBS_AT_MOST, [])


def test_one_process_restores_an_encrypted_backup_which_is_said_to_who_asked_for_more() -> None:
    number, said = jobs("age", 4)
    assert number == 1
    assert len(said) == 1
    assert "is encrypted" in said[0]
    assert jobs("age", None) == jobs("age", 1) == (1, [])


def test_the_keys_of_an_older_backup_lie_in_the_first_database_of_redis(tmp_path: Path) -> None:
    lines = ['["a2V5", -1, "dmFsdWU="]', '["a2V5", 5, "dmFsdWU=", 3]']
    (tmp_path / backup.REDIS).write_bytes(gzip.compress("\n".join(lines).encode()))
    clients = Clients(
        server=Server(stack="shop", service="db", port=1, user="u", password="p", database="shop"),
        prefix=(), folder=None, port=1,
    )  # fmt: skip
    source = loading.Source(folder=tmp_path, clients=clients)
    assert loading.read_keys(source, manifest_of("")) == [
        Row(key=b"key", ttl_ms=-1, value=b"value", database=0),
        Row(key=b"key", ttl_ms=5, value=b"value", database=3),
    ]
