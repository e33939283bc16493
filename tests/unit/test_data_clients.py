"""The commands by which Postgres' own clients dump and restore, beside a server and in its container."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stack.data.clients import SPOOLED, VARIABLES, Clients
from stack.data.stores import Server

SERVER = Server(stack="shop", service="postgres", port=5432, user="u", password="p", database="shop")
BESIDE = Clients(server=SERVER, prefix=(), folder=Path("/usr/bin"), port=15432)
IN_CONTAINER = Clients(server=SERVER, prefix=("docker", "exec", "c"), folder=None, port=5432)
DUMP = Path("/backups/database.dump")


def test_several_jobs_read_the_file_of_the_dump() -> None:
    words = BESIDE.restore("scratch", options=["--no-owner"], jobs=2, file=DUMP)
    assert (words[0], words[-2:]) == ("/usr/bin/pg_restore", ["--jobs=2", str(DUMP)])
    assert "--no-owner" in words


def test_one_job_reads_its_input() -> None:
    for clients in (BESIDE, IN_CONTAINER):
        assert str(DUMP) not in clients.restore("scratch", options=[], jobs=1, file=DUMP)
    assert IN_CONTAINER.restore("scratch", options=[], jobs=1, file=DUMP)[:4] == [
        "docker",
        "exec",
        "c",
        "pg_restore",
    ]


def test_several_jobs_in_a_container_read_a_copy_of_their_input() -> None:
    words = IN_CONTAINER.restore("scratch", options=[], jobs=2, file=DUMP)
    assert words[:8] == ["docker", "exec", "c", "sh", "-c", SPOOLED, "sh", "pg_restore"]
    assert words[-1] == "--jobs=2"


def test_a_copy_of_the_input_is_read_to_its_end_and_has_no_name_any_more(tmp_path: Path) -> None:
    script = 'cat "$1"; cat "$1"; ls "$PGDATA"'
    done = subprocess.run(
        ["sh", "-c", SPOOLED, "sh", "sh", "-c", script, "reader"],
        input="dump\n", env={**os.environ, "PGDATA": str(tmp_path)},
        capture_output=True, encoding="utf-8", timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "dump\ndump\n"


def test_a_copy_that_cannot_be_written_is_not_restored(tmp_path: Path) -> None:
    argv, environment = ["sh", "-c", SPOOLED, "sh", "echo"], {**os.environ, "PGDATA": str(tmp_path / "none")}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode != 0, done.stdout) == (True, "")


def test_clients_are_told_the_password_and_not_to_wait_for_the_disk_and_nothing_of_the_user_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGHOST", "production.example.com")
    own = {name: value for name, value in BESIDE.environment.items() if name.startswith("PG")}
    options = own.pop("PGOPTIONS")
    assert "-c synchronous_commit=off" in options
    assert own == {"PGPASSWORD": "p", "PGAPPNAME": "stack shop copying"}
    assert {*own, "PGOPTIONS"} == set(VARIABLES)


def test_a_dump_is_of_one_moment_and_compressed() -> None:
    words = IN_CONTAINER.dump("0001-1")
    assert words[:4] == ["docker", "exec", "c", "pg_dump"]
    assert {"--format=custom", "--compress=1", "--snapshot=0001-1"} < set(words)
