"""Podman: what is asked of it, and how old it may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.engines.container import podman


@pytest.mark.parametrize(("version", "old"), [("4.3.1", False), ("5.2.0-rc1", False), ("3.4.4", True)])
def test_podman_from_4_3_on_is_new_enough(version: str, old: bool) -> None:
    assert (podman.too_old(version) is not None) is old


def test_docker_is_driven_by_its_own_plugin() -> None:
    assert podman.compose("docker") == ("docker", "compose")


def test_a_service_that_listens_is_found_and_another_is_not(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        assert podman._answers(tmp_path / "s")
    assert not podman._answers(tmp_path / "none")


def test_what_an_older_api_refuses_is_left_out() -> None:
    resolved = {"services": {"web": {"healthcheck": {"interval": "5s", "start_interval": "1s"}}, "job": {}}}
    podman.adapt_for_podman(resolved)
    assert resolved == {"services": {"web": {"healthcheck": {"interval": "5s"}}, "job": {}}}


def test_a_tmpfs_of_an_account_belongs_to_the_containers_own() -> None:
    given = ["/tmp", "/run/shop:uid=10001,gid=10001,mode=0700", "/cache:size=1m"]
    resolved = {"services": {"web": {"tmpfs": given}}}
    podman.adapt_for_podman(resolved)
    assert resolved["services"]["web"]["tmpfs"] == ["/tmp", "/run/shop:mode=0700,U", "/cache:size=1m"]
