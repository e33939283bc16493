"""The scripts of a new database; a shell script plays Postgres' programs."""

from __future__ import annotations

import gzip
import lzma
from dataclasses import replace
from pathlib import Path

import pytest

from stack.engines.local import init_scripts
from stack.engines.local.binaries import Postgres
from stack.engines.local.init_scripts import FOLDER, Server
from stack.errors import BuildFailed

PLAYS = """#!/bin/sh
case "$*" in
  --single*)
    [ ! -e "$3/refuses" ] || { echo "FATAL: no luck" >&2; exit 1; }
    echo "alone $(cat)" >> "$3/calls"; exit 0;;
esac
case "$*" in *start*|*stop*) echo "$(basename "$0") ${*##* }" >> "$PGHOST/calls"; exit 0;; esac
echo "psql $(cat)" >> "$PGHOST/calls"
"""


@pytest.fixture
def server(tmp_path: Path) -> Server:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("pg_ctl", "psql", "postgres"):
        (programs / name).write_text(PLAYS)
        (programs / name).chmod(0o755)
    return Server(
        postgres=Postgres(bin=programs, account=None),
        user="app",
        database="shop",
        environment={},
        work=tmp_path / "work",
    )


def test_scripts_of_a_folder_and_of_single_files_run_in_the_order_of_their_names(
    server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "20.sql").write_text("SELECT 20")
    (folder / "notes.txt").write_text("no script")
    (folder / "30.sh").write_text('echo "shell $POSTGRES_DB" >> "$PGHOST/calls"')
    (tmp_path / "mounted").write_bytes(gzip.compress(b"SELECT 10"))
    data = {FOLDER: folder, f"{FOLDER}/10.sql.gz": tmp_path / "mounted", "/elsewhere": folder}
    assert [name for name, _ in init_scripts.scripts_of(data)] == ["10.sql.gz", "20.sql", "30.sh"]
    with_variable = Server(**{**vars(server), "environment": {"POSTGRES_DB": "shop"}})
    init_scripts.run(init_scripts.scripts_of(data), with_variable, tmp_path)
    calls = (server.work / "calls").read_text().splitlines()
    assert calls == ["pg_ctl start", "psql SELECT 10", "psql SELECT 20", "shell shop", "pg_ctl stop"]


def test_a_compressed_script_is_read_as_the_official_image_reads_it(server: Server, tmp_path: Path) -> None:
    (tmp_path / "10.sql.xz").write_bytes(lzma.compress(b"SELECT 10"))
    (tmp_path / "20.sql.zst").touch()
    data = {f"{FOLDER}/{name}": tmp_path / name for name in ("10.sql.xz", "20.sql.zst")}
    scripts = init_scripts.scripts_of(data)
    assert [name for name, _ in scripts] == ["10.sql.xz", "20.sql.zst"]
    init_scripts.run(scripts[:1], server, tmp_path)
    assert "psql SELECT 10" in (server.work / "calls").read_text().splitlines()


def test_a_compressed_script_that_is_cut_short_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "10.sql.gz").write_bytes(gzip.compress(b"SELECT 10")[:-9])
    with pytest.raises(BuildFailed, match=r"The script 10\.sql\.gz of .* failed"):
        init_scripts.run([("10.sql.gz", tmp_path / "10.sql.gz")], server, tmp_path)


def test_a_script_that_is_not_executable_is_read_into_the_entry_script_of_the_official_image(
    server: Server, tmp_path: Path
) -> None:
    """It has `psql` as an array, which scripts use, and ends at the first error."""
    (tmp_path / "10.sh").write_text('"${psql[@]}" <<< "SELECT 10"\nfalse\necho on >> "$PGHOST/calls"\n')
    variables = {"POSTGRES_USER": "app", "POSTGRES_DB": "shop"}
    with pytest.raises(BuildFailed, match=r"The script 10\.sh of"):
        init_scripts.run([("10.sh", tmp_path / "10.sh")], replace(server, environment=variables), tmp_path)
    assert (server.work / "calls").read_text().splitlines() == [
        "pg_ctl start",
        "psql SELECT 10",
        "pg_ctl stop",
    ]


def test_a_server_that_does_not_start_for_its_scripts_is_stopped_and_named(
    server: Server, tmp_path: Path
) -> None:
    control = server.postgres.bin / "pg_ctl"
    fails = '[ "${*##* }" = start ] && exit 1\ncase "$*" in *start'
    control.write_text(PLAYS.replace('case "$*" in *start', fails))
    (tmp_path / "10.sql").touch()
    with pytest.raises(BuildFailed, match="Postgres does not start for the scripts"):
        init_scripts.run([("10.sql", tmp_path / "10.sql")], server, tmp_path)
    assert (server.work / "calls").read_text().splitlines() == ["pg_ctl stop"]


def test_a_script_that_fails_is_named_and_the_server_is_stopped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "bad.sh").write_text("echo no luck; exit 3")
    with pytest.raises(BuildFailed, match=r"The script bad\.sh of .* failed: no luck"):
        init_scripts.run([("bad.sh", tmp_path / "bad.sh")], server, tmp_path)
    assert (server.work / "calls").read_text().splitlines() == ["pg_ctl start", "pg_ctl stop"]


def test_the_user_of_the_services_is_a_superuser_while_its_scripts_run_alone(
    server: Server, tmp_path: Path
) -> None:
    """They make roles and extensions, as the documentation of the official image shows."""
    server.work.mkdir()
    (tmp_path / "calls").symlink_to(server.work / "calls")
    (tmp_path / "10.sql").write_text("CREATE USER guest")
    init_scripts.run([("10.sql", tmp_path / "10.sql")], server, tmp_path)
    assert (server.work / "calls").read_text().splitlines() == [
        'alone ALTER ROLE "app" SUPERUSER',
        "pg_ctl start",
        "psql CREATE USER guest",
        "pg_ctl stop",
        'alone ALTER ROLE "app" NOSUPERUSER',
        init_scripts.MEMBERSHIP.format(user='"app"'),
    ]


def test_a_server_that_cannot_change_its_role_is_an_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "refuses").touch()
    (tmp_path / "10.sql").touch()
    with pytest.raises(BuildFailed, match="The role app could not be changed: FATAL: no luck"):
        init_scripts.run([("10.sql", tmp_path / "10.sql")], server, tmp_path)
