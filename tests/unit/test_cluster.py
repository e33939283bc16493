from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from stack.engines.local import accounts, cluster
from stack.engines.local.binaries import Postgres
from stack.errors import BuildFailed, DiskFull, NotRunnable, StateUnreadable
from stack.system import programs
from stack.system.completed import Completed
from unprotected.protection import Cut, protected_by

CLUSTER = "stack/engines/local/cluster.py"

RECIPE = cluster.Recipe(user="postgres", password="secret", database="postgres", method="scram-sha-256")


class FakeInitdb:
    """Stands for Postgres' programs; remembers what was called, and runs `cp` for real."""

    real: ClassVar[tuple[str, ...]] = ("cp",)

    def __init__(self, *, returncode: int = 0) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.inputs: list[str | None] = []
        self._returncode, self._run = returncode, programs.run

    def __call__(self, argv: Sequence[str | Path], **options: Any) -> Completed:
        words = tuple(map(str, argv))
        if words[0] in self.real:
            return self._run(words)
        self.calls.append(words)
        self.inputs.append(options.get("input"))
        if words[0].endswith("/initdb") and "-D" in words and "--sync-only" not in words:
            self._initdb(words)
        return Completed(argv=words, returncode=self._returncode, stdout="C\nC.utf8\n", stderr="no luck")

    def _initdb(self, words: tuple[str, ...]) -> None:
        folder = Path(words[words.index("-D") + 1])
        (folder / "PG_VERSION").write_text("15\n")

    def calls_of(self, name: str) -> list[tuple[str, ...]]:
        return [call for call in self.calls if call[0].endswith(name)]


@pytest.fixture
def postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "postgres").touch()
    return Postgres(bin=tmp_path / "bin", account=None)


@pytest.fixture
def initdb(monkeypatch: pytest.MonkeyPatch) -> FakeInitdb:
    fake = FakeInitdb()
    monkeypatch.setattr(programs, "run", fake)
    return fake


def test_initdb_is_paid_once_for_the_same_recipe(
    postgres: Postgres, initdb: FakeInitdb, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        cluster.create(postgres, RECIPE, tmp_path / name, durable=False)
        assert cluster.version_of_data(tmp_path / name) == 15
    assert len(initdb.calls_of("initdb")) == 1


def test_data_may_lie_deeper_in_a_volume_that_is_still_empty(
    postgres: Postgres, initdb: FakeInitdb, tmp_path: Path
) -> None:
    folder = tmp_path / "volume" / "18" / "docker"
    cluster.create(postgres, RECIPE, folder, durable=True)
    assert cluster.version_of_data(folder) == 15


def test_another_password_or_program_is_another_cluster(
    postgres: Postgres, initdb: FakeInitdb, tmp_path: Path
) -> None:
    other = cluster.Recipe(user="postgres", password="other", database="postgres", method="scram-sha-256")
    cluster.create(postgres, RECIPE, tmp_path / "one", durable=False)
    cluster.create(postgres, other, tmp_path / "two", durable=False)
    (postgres.bin / "postgres").write_text("upgraded")
    cluster.create(postgres, RECIPE, tmp_path / "three", durable=False)
    assert len(initdb.calls_of("initdb")) == 3


def test_the_password_is_in_no_argument_and_no_file_that_stays(
    postgres: Postgres, initdb: FakeInitdb, tmp_path: Path
) -> None:
    cluster.create(postgres, RECIPE, tmp_path / "one", durable=False)
    (sql,) = filter(None, initdb.inputs)
    assert "PASSWORD E'secret'" in sql
    assert not any("secret" in word for call in initdb.calls for word in call)
    assert not any("secret" in f.read_text() for f in (tmp_path / "cache").rglob("*") if f.is_file())


@protected_by(
    "the superuser can never connect",
    Cut(CLUSTER, 'f"all {SUPERUSER} all reject", ', ""),
)
@protected_by(
    "a connection needs a password",
    Cut(CLUSTER, 'f"all all all {method}"', '"all all all trust"'),
)
def test_connections_are_let_in_by_the_asked_method_only(
    postgres: Postgres, initdb: FakeInitdb, tmp_path: Path
) -> None:
    cluster.create(postgres, RECIPE, tmp_path / "one", durable=False)
    rows = (tmp_path / "one" / "pg_hba.conf").read_text().splitlines()
    assert rows[:2] == ["local all stack_superuser reject", "local all all trust"]
    assert rows[2:4] == ["host all stack_superuser all reject", "host all all all scram-sha-256"]
    assert all(row.endswith("scram-sha-256") for row in rows[3:])


def test_only_durable_data_is_written_through_to_the_disk(
    postgres: Postgres, initdb: FakeInitdb, tmp_path: Path
) -> None:
    cluster.create(postgres, RECIPE, tmp_path / "one", durable=False)
    assert not any("--sync-only" in call for call in initdb.calls)
    cluster.create(postgres, RECIPE, tmp_path / "two", durable=True)
    assert any("--sync-only" in call for call in initdb.calls)


def test_a_failed_initdb_leaves_no_data_and_is_tried_again(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = programs.run
    monkeypatch.setattr(programs, "run", FakeInitdb(returncode=1))
    with pytest.raises(BuildFailed, match="no luck"):
        cluster.create(postgres, RECIPE, tmp_path / "one", durable=False)
    assert not (tmp_path / "one").exists()
    monkeypatch.setattr(programs, "run", real)
    monkeypatch.setattr(programs, "run", FakeInitdb())
    cluster.create(postgres, RECIPE, tmp_path / "one", durable=False)
    assert cluster.version_of_data(tmp_path / "one") == 15


def test_a_full_disk_is_told_apart_and_leaves_nothing(
    postgres: Postgres, initdb: FakeInitdb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "mkdir $2; echo 'cp: error writing: No space left on device' >&2; exit 1"
    monkeypatch.setattr(cluster, "copy_command", lambda platform: ("sh", "-c", script, "cp"))
    monkeypatch.setattr(FakeInitdb, "real", ("cp", "sh"))
    with pytest.raises(DiskFull):
        cluster.create(postgres, RECIPE, tmp_path / "one", durable=False)
    assert not [path for path in tmp_path.iterdir() if "one" in path.name]


def test_another_database_is_made_with_its_name_quoted(
    postgres: Postgres, initdb: FakeInitdb, tmp_path: Path
) -> None:
    recipe = cluster.Recipe(user="u", password="p", database='a "b"', method="trust")
    cluster.create(postgres, recipe, tmp_path / "one", durable=False)
    (sql,) = filter(None, initdb.inputs)
    assert sql.splitlines()[-1] == 'CREATE DATABASE "a ""b""" OWNER "u"'


@protected_by(
    "POSTGRES_USER is no superuser",
    Cut(CLUSTER, "LOGIN CREATEDB{password}", "LOGIN SUPERUSER{password}"),
)
def test_the_user_of_the_services_owns_its_databases_and_is_no_superuser() -> None:
    recipe = cluster.Recipe(user='o"k', password="a'b\\c\nd", database="shop", method="trust")
    assert cluster.role_and_databases(recipe) == [
        'CREATE ROLE "o""k" LOGIN CREATEDB PASSWORD E\'a\\\'b\\\\c\\nd\'',
        'GRANT pg_monitor, pg_signal_backend TO "o""k"',
        'ALTER DATABASE postgres OWNER TO "o""k"',
        'CREATE DATABASE "shop" OWNER "o""k"',
    ]


def test_initdb_makes_the_superuser_that_never_connects(
    postgres: Postgres, initdb: FakeInitdb, tmp_path: Path
) -> None:
    cluster.create(postgres, RECIPE, tmp_path / "one", durable=False)
    (call,) = (words for words in initdb.calls_of("initdb") if "--sync-only" not in words)
    assert call[call.index("--username") + 1] == cluster.SUPERUSER


def test_a_folder_with_something_else_in_it_is_left_alone(postgres: Postgres, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").touch()
    with pytest.raises(StateUnreadable, match="holds no Postgres database"):
        cluster.create(postgres, RECIPE, tmp_path / "photos", durable=False)
    assert (tmp_path / "photos" / "holiday.jpg").exists()


def test_the_lock_of_a_killed_server_does_not_block_after_its_pid_was_reused(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n")
    cluster.clear_stale_lock(tmp_path, users=cluster.servers_of, sleep=lambda seconds: None)
    assert not lock.exists()


def test_the_children_of_a_killed_server_are_waited_for(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").touch()
    left = [[7], [7], []]
    slept: list[float] = []
    cluster.clear_stale_lock(tmp_path, users=lambda folder: left.pop(0), sleep=slept.append)
    assert len(slept) == 2
    assert not (tmp_path / "postmaster.pid").exists()


def test_the_lock_of_a_living_server_is_respected(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").touch()
    slept: list[float] = []
    with pytest.raises(StateUnreadable, match="pid 7"):
        cluster.clear_stale_lock(tmp_path, users=lambda folder: [7], sleep=slept.append)
    assert sum(slept) == pytest.approx(cluster.LEFT_S, abs=0.1)
    assert (tmp_path / "postmaster.pid").exists()


@protected_by(
    "what root starts runs as an unprivileged account",
    Cut("stack/engines/local/accounts.py", "    if os.geteuid() != 0:\n", "    if True:\n"),
)
def test_root_drops_to_an_account_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert accounts.unprivileged("no-such-account") == "nobody"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert accounts.unprivileged("nobody") is None


def test_a_way_that_is_not_ours_to_open_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(accounts, "blocking_folders", lambda path, uid: [closed])
    with pytest.raises(NotRunnable, match="cannot enter"):
        accounts.allow_traversal(closed / "data", "nobody")
    assert closed.stat().st_mode & 0o777 == 0o700


def test_our_own_folders_are_opened_for_passing_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "home" / "stacks"
    closed.mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(accounts, "blocking_folders", lambda path, uid: [closed])
    accounts.allow_traversal(closed / "data", "nobody")
    assert closed.stat().st_mode & 0o777 == 0o711
