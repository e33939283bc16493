"""The scripts inside the base images, run here with pretended programs around them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tools.base_images import RECIPES

SAYS_ITS_ARGUMENTS = '#!/bin/sh\nprintf "%s|" "${0##*/}" "$@"\n'


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder that comes first on the PATH: every program in it prints its name and its arguments."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("redis-server", "redis-cli", "setpriv", "curl", "chroot"):
        write_fake_program(folder, name, SAYS_ITS_ARGUMENTS)
    write_fake_program(folder, "id", "#!/bin/sh\necho 999\n")
    return folder


def write_fake_program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(script, encoding="utf-8")
    (folder / name).chmod(0o755)


def output(programs: Path, script: str, *arguments: str, **environment: str) -> str:
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", str(RECIPES / script), *arguments],
        env={**os.environ, "PATH": path, **environment},
        cwd=programs,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=20,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "becomes"),
    [
        (("redis-server",), "redis-server|--protected-mode|no|"),
        (("--maxmemory", "1mb"), "redis-server|--protected-mode|no|--maxmemory|1mb|"),
        (
            ("redis-server", "--protected-mode", "yes"),
            "redis-server|--protected-mode|no|--protected-mode|yes|",
        ),
        (("--version",), "redis-server|--version|"),
        (("redis-cli", "ping"), "redis-cli|ping|"),
    ],
)
def test_redis_is_open_to_its_network_unless_told_otherwise(
    programs: Path, arguments: tuple[str, ...], becomes: str
) -> None:
    assert output(programs, "redis/docker-entrypoint.sh", *arguments) == becomes


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("port 1\n", "redis-server|r.conf|--protected-mode|no|"),
        ("protected-mode yes\n", "redis-server|r.conf|"),
    ],
)
def test_what_a_redis_file_says_of_protected_mode_wins(programs: Path, text: str, becomes: str) -> None:
    (programs / "r.conf").write_text(text, encoding="utf-8")
    assert output(programs, "redis/docker-entrypoint.sh", "r.conf") == becomes


def test_redis_does_not_stay_root(programs: Path) -> None:
    write_fake_program(programs, "id", "#!/bin/sh\necho 0\n")
    write_fake_program(programs, "find", "#!/bin/sh\n")
    said = output(programs, "redis/docker-entrypoint.sh", "redis-server")
    assert said.startswith("setpriv|--reuid=redis|--regid=redis|--clear-groups|")


@pytest.mark.parametrize(
    ("arguments", "becomes"),
    [
        (("-f", "http://backend:8000/"), "curl|-f|http://backend:8000/|"),
        (("curl", "-V"), "curl|-V|"),
        (("sh", "-c", "echo script"), "script\n"),
    ],
)
def test_the_curl_image_takes_curls_arguments_or_a_command(
    programs: Path, arguments: tuple[str, ...], becomes: str
) -> None:
    assert output(programs, "curl/entrypoint.sh", *arguments) == becomes


def certificate(text: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"


def test_only_the_authorities_that_debian_does_not_have_are_added(programs: Path, tmp_path: Path) -> None:
    root, host = tmp_path / "root", tmp_path / "host.crt"
    added = root / "usr" / "local" / "share" / "ca-certificates"
    added.mkdir(parents=True)
    (root / "etc" / "ssl" / "certs").mkdir(parents=True)
    debian = certificate("one") + certificate("two")
    (root / "etc" / "ssl" / "certs" / "ca-certificates.crt").write_text(debian, encoding="utf-8")
    host.write_text("# own\n" + certificate("two") + certificate("own") * 2, encoding="utf-8")
    said = output(programs, "debian/customize.sh", str(root), HOST_CA_BUNDLE=str(host))
    assert [path.read_text(encoding="utf-8") for path in added.iterdir()] == [certificate("own")]
    assert said == f"chroot|{root}|update-ca-certificates|"


def test_a_machine_without_authorities_of_its_own_adds_none(programs: Path, tmp_path: Path) -> None:
    assert output(programs, "debian/customize.sh", str(tmp_path), HOST_CA_BUNDLE="") == ""
