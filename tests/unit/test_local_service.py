"""A service as a process of this machine: command, environment, working directory, and what is in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.errors import NotRunnable
from stack.model import Build, Healthcheck, LocalHints, Port, Service, Stack
from stack.plan import plan
from stack.plan.plan import Plan, ServicePlan


def make(*services: Service, **mounts: dict[str, str]) -> Plan:
    table = {service.name: service for service in services}
    stack = Stack(name="shop", files=(), directory=Path("/w"), services=table)
    return plan.make(stack, name="shop", engine="local", services=table, ports={}, folders=mounts)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    for name in ("main.py", "start.sh", "src/app.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return Build(context=tmp_path)


def plan_of_build(build: Build, dockerfile: str, **values: object) -> ServicePlan:
    (build.context / "Dockerfile").write_text(dockerfile)
    service = Service(name="web", build=build, **values)  # type: ignore[arg-type]
    return make(service).services["web"]


def test_a_path_that_was_copied_is_one_of_the_build_context(build: Build) -> None:
    text = "FROM a\nCOPY . /code\nCOPY start.sh /start\nENV DATA=/code/data\n"
    text += 'ENTRYPOINT ["/start", "/code/main.py"]\n'
    web = plan_of_build(build, text)
    assert web.argv == (f"{build.context}/start.sh", f"{build.context}/main.py")
    assert web.environment["DATA"] == f"{build.context}/data"


def test_a_mount_hides_what_was_copied_below_it(build: Build) -> None:
    (build.context / "Dockerfile").write_text('FROM a\nCOPY src /code/src\nCMD ["/code/src/app.py"]\n')
    service = Service(name="web", build=build)
    assert make(service, web={"/code": "/mounted"}).services["web"].argv == ("/mounted/src/app.py",)


def test_a_service_in_the_network_of_another_publishes_no_ports() -> None:
    beside = Service(name="beside", image="redis:7", network_mode="service:web", ports=(Port(target=1),))
    problem = make(Service(name="web", image="redis:7"), beside).services["beside"].problem
    assert problem is not None
    assert problem.sentence == (
        "services.beside: it has ports, but no network of its own: it is in that of web."
    )
    assert problem.way_out == "Move its `ports` to web."


def test_a_program_of_the_image_is_called_by_its_name(build: Build) -> None:
    text = 'FROM a\nCMD ["/usr/local/bin/gunicorn", "/bin/x"]\n'
    assert plan_of_build(build, text).argv == ("gunicorn", "/bin/x")
    assert plan_of_build(build, 'FROM a\nCMD ["/bin/sh", "x"]\n').argv == ("/bin/sh", "x")


@pytest.mark.parametrize("path", ["/tini", "/sbin/tini", "/usr/bin/dumb-init", "/usr/sbin/gosu"])
def test_a_program_that_starts_another_one_is_called_by_its_name(build: Build, path: str) -> None:
    assert plan_of_build(build, f'FROM a\nENTRYPOINT ["{path}", "--"]\n').argv == (Path(path).name, "--")


def test_variables_of_the_image_alone_are_left_out(build: Build) -> None:
    text = "FROM a\nENV PATH=/venv/bin:$PATH KEEP=yes STATIC_URL=/static/ VENV=/opt/venv\nCMD x\n"
    text += "ENV PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app/.venv/lib/python3.13/site-packages\n"
    assert plan_of_build(build, text).environment == {
        "KEEP": "yes",
        "STATIC_URL": "/static/",
        "HOST": "127.0.0.1",
    }


def test_it_starts_in_the_folder_that_the_working_directory_was_copied_from(build: Build) -> None:
    assert plan_of_build(build, "FROM a\nWORKDIR /x\nCOPY src .\nCMD x\n").cwd == build.context / "src"
    assert (
        plan_of_build(build, "FROM a\nWORKDIR /x\nCOPY main.py .\nCOPY src src\nCMD x\n").cwd == build.context
    )
    assert plan_of_build(build, "FROM a\nCOPY src /s\nCMD x\n", working_dir="/s").cwd == build.context / "src"
    assert plan_of_build(build, "FROM a\nWORKDIR /elsewhere\nCMD x\n").cwd == build.context


def test_what_the_compose_file_leaves_open_the_image_says(build: Build) -> None:
    text = "FROM a\nUSER app\nSTOPSIGNAL SIGINT\nHEALTHCHECK CMD test -e /x\nCMD run\n"
    web = plan_of_build(build, text)
    assert (web.service.user, web.service.stop_signal) == ("app", "SIGINT")
    assert web.healthcheck == ("CMD-SHELL", "test -e /x")


def test_the_compose_file_wins_over_the_image(build: Build) -> None:
    text = "FROM a\nUSER app\nSTOPSIGNAL SIGINT\nHEALTHCHECK CMD x\nCMD run\n"
    check = Healthcheck(test=("CMD", "y"))
    web = plan_of_build(build, text, user="me", stop_signal="SIGTERM", healthcheck=check)
    assert (web.service.user, web.service.stop_signal) == ("me", "SIGTERM")
    assert web.healthcheck == ("CMD", "y")


def test_a_health_check_that_is_disabled_is_not_the_image_s_either(build: Build) -> None:
    web = plan_of_build(build, "FROM a\nHEALTHCHECK CMD x\nCMD run\n", healthcheck_disabled=True)
    assert web.service.healthcheck is None


def test_the_image_s_health_check_counts_in_a_container_too(build: Build) -> None:
    (build.context / "Dockerfile").write_text("FROM a\nHEALTHCHECK CMD x\n")
    table = {"web": Service(name="web", build=build)}
    stack = Stack(name="shop", files=(), directory=Path("/w"), services=table)
    result = plan.make(stack, name="shop", engine="docker", services=table, ports={}, folders={})
    assert result.services["web"].executed == ("CMD-SHELL", "x")


def test_a_dockerfile_may_stand_in_the_compose_file(tmp_path: Path) -> None:
    build = Build(context=tmp_path, dockerfile_text='FROM a\nCMD ["sleep", "60"]\n')
    assert make(Service(name="web", build=build)).services["web"].argv == ("sleep", "60")


def test_every_service_that_cannot_run_is_named_at_once(build: Build) -> None:
    (build.context / "Dockerfile").write_text("FROM nginx:1.25\n")
    remote = Build(context=build.context, url="https://example.com/app.git#main")
    result = make(
        Service(name="proxy", build=build),
        Service(name="app", build=remote),
        Service(name="own", build=build, local=LocalHints(command=("serve",))),
    )
    with pytest.raises(NotRunnable) as caught:
        plan.require_runnable(result)
    proxy = "services.proxy: its command is that of its base image nginx:1.25, which cannot be known"
    app = "services.app: its build context is https://example.com/app.git#main; only a container engine"
    assert caught.value.message.startswith("2 services cannot run on the local engine:\n")
    assert proxy in caught.value.message
    assert app in caught.value.message
    assert caught.value.message.count('Add `x-local: {command: ["PROGRAM", "ARGUMENT"]}` to it') == 2
    assert "services.own" not in caught.value.message


def test_a_build_on_a_server_s_image_needs_no_command(build: Build) -> None:
    assert plan_of_build(build, "FROM docker.io/library/postgres:15\n").problem is None
