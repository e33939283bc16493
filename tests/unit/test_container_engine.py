"""What is decided for a container engine, without one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stack.engines.container import availability, engine, images, resolved_file
from stack.engines.container.container import UNKNOWN_CODE, Container
from stack.engines.protocol import Exit, Site
from stack.model import Build, Healthcheck, Service, Stack
from stack.plan.plan import Plan, ServicePlan
from stack.records import service_logs
from stack.records.service_logs import Log
from stack.system.directories import home_id


def plan(name: str, *services: Service, **ports: dict[int, int]) -> Plan:
    table = {
        s.name: ServicePlan(service=s, argv=(), environment={}, ports=ports.get(s.name, {}), cwd=Path("/"))
        for s in services
    }
    stack = Stack(name="shop", files=(), directory=Path("/"), services={s.name: s for s in services})
    return Plan(name=name, engine="docker", stack=stack, services=table, endpoints={})


def resolved() -> dict[str, Any]:
    return {
        "name": "shop",
        "services": {
            "web": {
                "restart": "always",
                "profiles": ["x"],
                "container_name": "web",
                "ports": [{"target": 80, "published": "8000"}],
            },
            "unwanted": {},
        },
        "networks": {"default": {"name": "shop-network"}, "outside": {"external": True}},
        "volumes": {"data": None},
    }


def test_the_name_of_a_container_is_one_by_which_others_reach_it() -> None:
    file = resolved()
    file["services"]["web"]["networks"] = {"default": None, "outside": {"aliases": ["other"]}}
    config = resolved_file.arrange(file, plan("shop", Service(name="web"), web={80: 8000}), rename=False)
    networks = config["services"]["web"]["networks"]
    assert networks == {"default": {"aliases": ["web"]}, "outside": {"aliases": ["other", "web"]}}


def test_a_second_stack_shares_neither_name_nor_port_nor_network_nor_volume_with_the_first() -> None:
    config = resolved_file.arrange(
        resolved(), plan("shop-2", Service(name="web"), web={80: 20001}), rename=True
    )
    assert config["name"] == "shop-2"
    assert config["services"]["web"]["ports"] == [{"target": 80, "published": "20001"}]
    assert config["networks"]["default"]["name"] == "shop-2-default"
    assert config["volumes"]["data"]["name"] == "shop-2-data"
    assert config["networks"]["outside"] == {"external": True}


def test_the_main_stack_keeps_the_names_of_its_file() -> None:
    config = resolved_file.arrange(
        resolved(), plan("shop", Service(name="web"), web={80: 8000}), rename=False
    )
    assert config["networks"]["default"] == {"name": "shop-network"}
    assert config["volumes"]["data"].get("name") is None


def test_the_volumes_of_a_stack_say_whose_they_are_and_those_of_others_do_not() -> None:
    file = resolved()
    file["volumes"] |= {"own": {"labels": {"a": "b"}}, "outside": {"external": True}}
    config = resolved_file.arrange(file, plan("shop", Service(name="web"), web={80: 8000}), rename=False)
    home = {"ecommerce.stack.home": home_id()}
    assert config["volumes"]["data"] == {"labels": home}
    assert config["volumes"]["own"] == {"labels": {"a": "b", **home}}
    assert config["volumes"]["outside"] == {"external": True}


def test_a_port_that_is_published_twice_has_both_its_host_ports() -> None:
    file = resolved()
    file["services"]["web"]["ports"] = [
        {"target": 80, "published": "8000", "protocol": "tcp"},
        {"target": 80, "published": "9000", "protocol": "tcp"},
        {"target": 81, "published": "8100", "protocol": "tcp"},
    ]
    made = plan("shop", Service(name="web"), web={80: 20002, 81: 20003})
    web = replace(made.services["web"], further_ports=((80, 20001),))
    config = resolved_file.arrange(file, replace(made, services={"web": web}), rename=False)
    published = [port["published"] for port in config["services"]["web"]["ports"]]
    assert published == ["20001", "20002", "20003"]


def test_only_wanted_services_stay_and_restarts_are_ours() -> None:
    config = resolved_file.arrange(
        resolved(), plan("shop", Service(name="web"), web={80: 8000}), rename=False
    )
    assert list(config["services"]) == ["web"]
    assert config["services"]["web"] == {"restart": "no", "ports": [{"target": 80, "published": "8000"}]}


def test_dependencies_that_are_not_started_are_left_out() -> None:
    file = resolved()
    file["services"]["web"]["depends_on"] = {"unwanted": {"required": False}, "web2": {"required": False}}
    config = resolved_file.arrange(file, plan("shop", Service(name="web"), web={80: 8000}), rename=False)
    assert config["services"]["web"]["depends_on"] == {}


def test_the_same_content_has_the_same_tag_and_other_content_another(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "app.py").write_text("1")
    (tmp_path / "tests").mkdir()
    build = Build(context=tmp_path)
    first = images.tag("web", build)
    (tmp_path / "tests" / "test_app.py").write_text("not in the image")
    (tmp_path / ".hidden").write_text("nor this")
    assert images.tag("web", build) == first
    assert images.tag("web", Build(context=tmp_path, args={"A": "1"})) != first
    assert images.tag("web", Build(context=tmp_path, target="dev")) != first
    (tmp_path / "app.py").write_text("2")
    assert images.tag("web", build) != first


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


def test_an_image_has_another_tag_when_its_dockerfile_or_a_file_s_right_to_run_changes(
    tmp_path: Path,
) -> None:
    context, elsewhere = tmp_path / "app", tmp_path / "docker" / "app.Dockerfile"
    context.mkdir()
    elsewhere.parent.mkdir()
    elsewhere.write_text("FROM a\n")
    script = context / "start.sh"
    script.write_text("#!/bin/sh\n")
    build = Build(context=context, dockerfile="../docker/app.Dockerfile")
    first = images.tag("web", build)
    elsewhere.write_text("FROM b\n")
    second = images.tag("web", build)
    script.chmod(0o755)
    assert len({first, second, images.tag("web", build)}) == 3


def test_what_is_no_file_is_no_content_and_a_link_is_its_target(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    first = images.tag("web", Build(context=tmp_path))
    link.unlink()
    link.symlink_to("elsewhere")
    assert images.tag("web", Build(context=tmp_path)) != first


def test_a_dockerfile_of_the_compose_file_is_written_for_a_build_by_hand(tmp_path: Path) -> None:
    file = Path(images.dockerfile_of(Build(context=Path("/code"), dockerfile_text="FROM a\n"), tmp_path))
    assert (file.parent, file.read_text()) == (tmp_path, "FROM a\n")


def test_a_build_from_elsewhere_is_given_its_address(tmp_path: Path) -> None:
    build = Build(context=Path("/code"), url="https://example.com/a.git", dockerfile="d/File")
    assert images.dockerfile_of(build, tmp_path) == "d/File"
    assert images.build_words("tag:1", build, "d/File")[-1] == "https://example.com/a.git"


def test_an_image_is_built_from_its_recipe_stage_and_arguments(tmp_path: Path) -> None:
    build = Build(context=Path("/code"), dockerfile="d/File", target="last", args={"A": "1"})
    assert images.build_words("tag:1", build, images.dockerfile_of(build, tmp_path)) == [
        *("build", "--tag", "tag:1", "--file", "/code/d/File", "--target", "last"),
        *("--label", f"ecommerce.stack.image={home_id()}", "--build-arg", "A=1", "/code"),
    ]


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
