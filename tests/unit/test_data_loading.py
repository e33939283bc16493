from __future__ import annotations

import os

import pytest

from stack.data import loading
from stack.data.manifest import FORMAT, Manifest


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
