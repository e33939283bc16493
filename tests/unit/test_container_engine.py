"""What is decided for a container engine, without one."""

from __future__ import annotations

import asyncio
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from container_plans import plan

from stack.engines.container import availability, engine, images
from stack.engines.container.container import UNKNOWN_CODE, Container
from stack.engines.protocol import Exit, Site
from stack.model import Healthcheck, Service
from stack.records import service_logs
from stack.records.service_logs import Log


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker command that is a shell script."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "docker"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'Cannot connect' >&2; exit 1", "no daemon answers (Cannot connect)"),
        ("echo 'permission denied' >&2; exit 1", "you may not use its socket"),
        ("echo 1.43", "too old: its API is 1.43"),
        ("echo '<no value>'", "too old: its API is <no value>"),
        ('test "$1" = compose && exit 1; echo 1.47', "no compose plugin"),
    ],
)
def test_the_reason_why_a_client_cannot_be_used_is_reported(client: Path, script: str, reason: str) -> None:
    client.write_text(f"#!/bin/sh\n{script}\n")
    client.chmod(0o755)
    assert reason in (availability.why_not("docker") or "")


def test_a_client_whose_daemon_answers_can_be_used(client: Path) -> None:
    client.write_text("#!/bin/sh\necho 1.47\n")
    client.chmod(0o755)
    assert availability.why_not("docker") is None


def test_a_client_that_is_not_installed_is_reported(client: Path) -> None:
    assert availability.why_not("no-such-engine") == "There is no no-such-engine command here."


@pytest.mark.parametrize(
    ("config", "check"),
    [
        ("null", None),
        ("", None),
        ('{"Test": ["NONE"]}', None),
        ('{"Test": ["CMD-SHELL", "x"]}', Healthcheck(test=("CMD-SHELL", "x"))),
        (
            '{"Test": ["CMD", "x"], "Interval": 1000000000, "Timeout": 0, "StartPeriod": 5e8, "Retries": 20}',
            Healthcheck(test=("CMD", "x"), interval_s=1.0, start_period_s=0.5, retries=20),
        ),
    ],
)
def test_the_health_check_of_an_image_is_read_from_its_configuration(
    config: str, check: Healthcheck | None
) -> None:
    assert images.healthcheck(config) == check


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path}"
        time.sleep(0.01)


def test_a_creation_ends_before_the_stack_is_removed(client: Path, tmp_path: Path) -> None:
    """A container that the Engine is making when compose is ended would come after the removal."""
    client.write_text(
        f"""#!/bin/sh
case "$*" in
  *config*) echo '{{"services": {{"web": {{}}}}}}' ;;
  *up*--no-start*) touch {tmp_path}/began; sleep 0.5; touch {tmp_path}/made ;;
  *down*|*ps*|*ls*) [ -e {tmp_path}/made ] || [ ! -e {tmp_path}/began ] || touch {tmp_path}/too-early ;;
esac
"""
    )

    client.chmod(0o755)

    async def remove_while_it_is_made() -> None:
        runner = engine.ContainerEngine("docker")
        wanted = plan("shop", Service(name="web", image="web:1"))
        site = Site(name="shop", folder=tmp_path, scratch=tmp_path, run=tmp_path, token="t", ephemeral=True)
        await runner.prepare(wanted, site, print)
        building = asyncio.ensure_future(runner.build(wanted.services["web"], print))
        await asyncio.to_thread(wait_for, tmp_path / "began")
        building.cancel()
        await runner.remove(volumes=False)

    asyncio.run(remove_while_it_is_made())
    assert (tmp_path / "made").exists()
    assert not (tmp_path / "too-early").exists()


def test_why_the_end_of_a_container_is_not_known_is_in_its_log(client: Path, tmp_path: Path) -> None:
    client.write_text("#!/bin/sh\n[ $1 != wait ] || echo Is the daemon running?\n")
    client.chmod(0o755)
    log = Log(service_logs.log_file(tmp_path, "web"))

    async def wait() -> Exit:
        return await Container("docker", "shop-web-1", log).wait()

    assert asyncio.run(wait()) == Exit(code=UNKNOWN_CODE, unknown="Is the daemon running?")
    assert log.tail() == ("Is the daemon running?",)
    log.close()


def test_a_log_that_is_no_longer_read_is_reported_with_the_cause(
    client: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.write_text("#!/bin/sh\n[ $1 = logs ] && echo line || echo 0\n")
    client.chmod(0o755)
    log = Log(service_logs.log_file(tmp_path, "web"))

    def fail(data: bytes) -> None:
        raise RuntimeError("odd")

    async def wait() -> Exit:
        return await Container("docker", "shop-web-1", log).wait()

    monkeypatch.setattr(log, "feed", fail)
    assert asyncio.run(wait()).code == 0
    assert "log of shop-web-1: RuntimeError: odd" in caplog.text
    log.close()


def test_a_secret_of_a_variable_finds_it_in_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the resolved file it is still a name."""
    calls: list[tuple[str, ...]] = []

    async def run(argv: tuple[str, ...], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(tuple(argv))
        return subprocess.CompletedProcess(argv, 0, '{"services": {}}', "")

    monkeypatch.setattr(engine.async_programs, "run", run)
    monkeypatch.setattr(engine.podman, "compose", lambda program: (program, "compose"))
    (tmp_path / ".env").write_text("TOKEN=x\n")
    made = plan("shop")
    made = replace(made, stack=replace(made.stack, env_file=tmp_path / ".env"))
    runner = engine.ContainerEngine("docker")

    async def play() -> None:
        site = Site(name="shop", folder=tmp_path, scratch=tmp_path, run=tmp_path, token="", ephemeral=True)
        await runner.prepare(made, site, lambda text: None)
        await runner.refresh([], lambda text: None)

    asyncio.run(play())
    assert [argv for argv in calls if "config" in argv or "up" in argv]
    for argv in calls:
        if "config" in argv or "up" in argv:
            assert argv[argv.index("--env-file") + 1] == str(tmp_path / ".env"), argv
