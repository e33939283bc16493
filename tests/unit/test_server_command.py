"""What a service whose image is a server starts: that server, or something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stack.model import Service, Stack
from stack.plan import plain_images, server_command
from stack.plan.image_config import ImageConfig
from stack.plan.service_plan import server_image

POSTGRES = Service(name="db", image="postgres:16")
REDIS = Service(name="cache", image="redis:7", environment={"PASSWORD": "p w"})


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (None, ()),
        (("postgres", "-c", "work_mem=8MB"), ("-c", "work_mem=8MB")),
        (("-c", "fsync=off"), ("-c", "fsync=off")),
        (("docker-entrypoint.sh", "postgres"), ()),
        (("/usr/local/bin/docker-entrypoint.sh", "-c", "a=b"), ("-c", "a=b")),
        (("sh", "-c", "exec postgres -c 'search_path=a, b'"), ("-c", "search_path=a, b")),
        (("sh", "-c", "until psql -h db; do sleep 1; done"), None),
        (("psql", "-h", "db"), None),
        (("sh", "-c", "rm -f x && postgres"), None),
    ],
)
def test_arguments_of_postgres(command: tuple[str, ...] | None, arguments: tuple[str, ...] | None) -> None:
    assert server_command.arguments(replace(POSTGRES, command=command), "postgres") == arguments


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (("/etc/redis.conf", "--save", ""), ("/etc/redis.conf", "--save", "")),
        (("valkey-server", "--port", "1"), ("--port", "1")),
        (("sh", "-c", 'redis-server --requirepass "$PASSWORD"'), ("--requirepass", "p w")),
        (("bash", "-c", "exec redis-server --requirepass ${PASSWORD}"), ("--requirepass", "p w")),
        (("redis-cli", "-h", "cache", "monitor"), None),
    ],
)
def test_arguments_of_redis(command: tuple[str, ...], arguments: tuple[str, ...] | None) -> None:
    assert server_command.arguments(replace(REDIS, command=command), "redis") == arguments


def test_an_image_s_own_words_count_where_the_file_has_none() -> None:
    image = ("postgres", "-c", "log_statement=all")
    assert server_command.arguments(POSTGRES, "postgres", command=image) == image[1:]
    own = replace(POSTGRES, entrypoint=("docker-entrypoint.sh",))  # a new entrypoint resets the command
    assert server_command.arguments(own, "postgres", command=image) == ()


def test_a_job_in_a_server_s_image_is_no_server_and_runs_as_a_plain_image() -> None:
    job = replace(POSTGRES, command=("sh", "-c", "until pg_isready -h db; do sleep 1; done"))
    assert server_image(job, ImageConfig()) == ""
    assert server_image(POSTGRES, ImageConfig()) == "postgres:16"
    stack = Stack(name="x", files=(), directory=Path("/"), services={"job": job, "db": POSTGRES})
    built = plain_images.with_builds(stack).services
    assert (built["job"].build is None, built["db"].build is None) == (False, True)
