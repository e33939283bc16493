from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack.data import loading
from stack.data.clients import Clients
from stack.data.manifest import FORMAT, Manifest
from stack.data.stores import Server

SERVER = Server(stack="shop", service="postgres", port=5432, user="u", password="p", database="shop")
BESIDE = Clients(server=SERVER, prefix=(), folder=Path("/usr/bin"), port=5432)
IN_CONTAINER = Clients(server=SERVER, prefix=("docker", "exec"), folder=None, port=5432)


def manifest_of(encryption: str) -> Manifest:
    return Manifest(
        format=FORMAT, project="shop", stack="shop", version="1", created="", postgres=15, migrations=(),
        rows={}, database_bytes=0, redis_keys=0, encryption=encryption, files={},
    )  # fmt: skip


def jobs(encryption: str, clients: Clients, typed: int | None) -> tuple[int, list[str]]:
    said: list[str] = []
    number = loading.possible_jobs(manifest_of(encryption), clients, typed, say=said.append)
    return number, said


def test_a_process_a_processor_restores_unless_another_number_is_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert jobs("", BESIDE, None) == (3, [])
    assert jobs("", BESIDE, 5) == (5, [])
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert jobs("", BESIDE, None) == (loading.JOBS_AT_MOST, [])


@pytest.mark.parametrize(
    ("encryption", "clients", "reason"),
    [("age", BESIDE, "is encrypted"), ("", IN_CONTAINER, "in the container of postgres")],
)
def test_where_only_one_process_can_restore_that_is_said_to_who_asked_for_more(
    encryption: str, clients: Clients, reason: str
) -> None:
    number, said = jobs(encryption, clients, 4)
    assert number == 1
    assert len(said) == 1
    assert reason in said[0]
    assert jobs(encryption, clients, None) == jobs(encryption, clients, 1) == (1, [])
