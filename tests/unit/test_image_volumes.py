"""A service has the volumes of its image on the local engine, too: ``VOLUME`` of a Dockerfile."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.model import Build, Mount, Service, Stack
from stack.plan import image_volumes

BOUND = Mount(type="bind", target="/app/data", source="/w/data")


def volumes_of(dockerfile: str, *mounts: Mount) -> list[str]:
    """Return where a service has volumes without a name."""
    build = Build(context=Path("/w"), dockerfile_text=dockerfile)
    service = Service(name="web", build=build, mounts=mounts)
    stack = Stack(name="shop", files=(), directory=Path("/w"), services={"web": service}, endpoints={})
    found = image_volumes.with_volumes(stack, ["web"]).services["web"].mounts
    return [each.target for each in found if each.type == "volume" and each.source is None]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('VOLUME ["/data", "/var/log/app"]', ["/data", "/var/log/app"]),
        ("VOLUME /data /cache/", ["/data", "/cache"]),
        ("ENV HOME_OF=/srv\nVOLUME $HOME_OF/data\nVOLUME /srv/data", ["/srv/data"]),
        ("VOLUME /app/data", []),
    ],
)
def test_each_path_is_a_volume_where_nothing_is_mounted(line: str, expected: list[str]) -> None:
    assert volumes_of(f"FROM python:3.12\n{line}\n", BOUND) == expected


def test_the_stages_before_it_count_and_others_do_not() -> None:
    text = "FROM python:3.12 AS base\nVOLUME /base\nFROM node:20\nVOLUME /other\nFROM base\nVOLUME /own\n"
    assert volumes_of(text) == ["/base", "/own"]


def test_a_server_knows_where_its_data_is() -> None:
    assert volumes_of("FROM postgres:15\nVOLUME /var/lib/postgresql/data\n") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("RUN mkdir -p /vol/web/media /vol/web && chown -R app /vol", ["/vol/web"]),
        ("RUN apt-get update; mkdir -m 755 -p /var/absent/app", ["/var/absent/app"]),
        ("ENV LOGS=/logs\nWORKDIR /srv\nRUN mkdir $LOGS data /usrdata", ["/logs", "/srv/data", "/usrdata"]),
        ("RUN mkdir -p /usr/share/absent /tmp/x /boot/x '/a b' /x-$ID /app/data/x", []),
        ("RUN echo mkdir /data", []),
    ],
)
def test_a_folder_that_a_dockerfile_makes_can_be_written_to(line: str, expected: list[str]) -> None:
    assert volumes_of(f"FROM python:3.12\n{line}\n", BOUND) == expected


@pytest.mark.parametrize("line", ["VOLUME /app", "VOLUME /app/src", "RUN mkdir -p /app"])
def test_what_is_copied_there_is_not_hidden(line: str) -> None:
    assert volumes_of(f"FROM python:3.12\n{line}\nCOPY . /app/src/\n") == []


def test_a_volume_below_what_is_copied_is_one() -> None:
    assert volumes_of("FROM python:3.12\nCOPY . /app\nVOLUME /app/data\nRUN mkdir /app/logs\n") == [
        "/app/data"
    ]
