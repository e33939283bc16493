"""A service of an image that nobody builds (``image: python:3.12``) runs as if one were built from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.environments import needs, node_version, service_environment, virtualenv
from stack.environments.installation import Installation
from stack.environments.needs import Needs
from stack.model import LocalHints, Mount, Service, Stack
from stack.plan import image_config, plain_images, plan
from stack.plan.plan import ServicePlan


def bind(source: Path, target: str) -> Mount:
    source.mkdir(exist_ok=True)
    return Mount(type="bind", source=str(source), target=target)


def built(**values: object) -> Service:
    service = Service(name="web", **values)  # type: ignore[arg-type]
    stack = Stack(name="shop", files=(), directory=Path("/w"), services={"web": service})
    return plain_images.with_builds(stack).services["web"]


def planned(service: Service) -> ServicePlan:
    table = {"web": service}
    stack = Stack(name="shop", files=(), directory=Path("/w"), services=table)
    folders = {mount.target: str(mount.source) for mount in service.mounts}
    return plan.make(
        stack, name="shop", engine="local", services=table, ports={}, folders={"web": folders}, networks=True
    ).services["web"]


def needs_of(service: Service) -> Needs:
    return needs.of_service(service, image_config.of_service(service))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text("flask\n")
    (folder / "package.json").write_text("{}")
    (folder / "install.sh").write_text("#!/bin/sh\npip install -r requirements.txt\n")
    return folder


def test_a_service_starts_in_its_mounted_project_with_what_that_needs(project: Path) -> None:
    mounts = (bind(project.parent / "data", "/data"), bind(project, "/app"))
    web = built(image="python:3.12-slim", mounts=mounts, working_dir="/app", command=("python", "app.py"))
    assert web.build is not None
    assert web.build.context == project
    found = planned(web)
    assert (found.problem, found.cwd, found.argv) == (None, project, ("python", "app.py"))
    needed = needs_of(web)
    assert needed.python is not None
    assert needed.python.python.preferred == "3.12"
    assert needed.python.inputs == (project / "requirements.txt",)
    assert (needed.node, needed.installs_itself) == (None, False)


def test_without_a_working_directory_it_is_the_mounted_folder_of_a_project(project: Path) -> None:
    mounts = (bind(project.parent / "data", "/data"), bind(project, "/app"))
    web = built(image="python:3", mounts=mounts, command=("python", "/app/app.py"))
    assert web.build is not None
    assert web.build.context == project
    assert planned(web).argv == ("python", f"{project}/app.py")


def test_a_node_image_gets_the_packages_of_its_project_alone(project: Path) -> None:
    web = built(
        image="node:20", mounts=(bind(project, "/app"),), working_dir="/app", command=("npm", "start")
    )
    assert needs_of(web) == Needs(node=project)


def test_an_image_of_a_plain_system_installs_nothing(project: Path) -> None:
    web = built(image="alpine", mounts=(bind(project, "/app"),), working_dir="/app", command=("ls",))
    assert needs_of(web) == Needs()
    assert planned(web).problem is None


@pytest.mark.parametrize(
    "values",
    [
        {"image": "postgres:15"},
        {"image": "nginx:1"},
        {"image": "grafana/grafana"},
        {"image": "python:3", "local": LocalHints(command=("x",))},
    ],
)
def test_other_images_are_what_they_were(values: dict[str, object]) -> None:
    assert built(**values).build is None


def test_an_image_without_a_command_cannot_be_known() -> None:
    problem = planned(built(image="python:3.12")).problem
    assert problem is not None
    assert "its command is that of its base image python:3.12" in problem.sentence


@pytest.mark.parametrize(
    "command",
    [
        ("sh", "-c", "pip install -r requirements.txt && python app.py"),
        ("python", "-m", "pip", "install", "-r", "requirements.txt"),
        ("./install.sh",),
        ("sh", "-c", "cd /app && sh install.sh"),
    ],
)
def test_a_command_that_installs_has_an_environment_of_its_own(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    web = built(image="python:3.12", mounts=(bind(project, "/app"),), working_dir="/app", command=command)
    needed = needs_of(web)
    assert needed.installs_itself
    assert needed.python is not None
    assert needed.python.inputs == (project / "requirements.txt",)
    made: list[Path] = []

    def install_own(found: Installation, folder: Path, **options: object) -> virtualenv.Environment:
        made.append(folder)
        return virtualenv.Environment(path=folder, bin=folder / "bin", python=folder / "bin/python")

    monkeypatch.setattr(virtualenv, "install_own", install_own)
    service_environment.sync(web, image_config.of_service(web), tmp_path / "scratch")
    assert made == [tmp_path / "scratch" / "venv"]


def test_a_command_that_installs_node_packages_is_left_to_it(project: Path) -> None:
    command = ("sh", "-c", "npm install && npm start")
    web = built(image="node:20", mounts=(bind(project, "/app"),), working_dir="/app", command=command)
    assert needs_of(web) == Needs()


@pytest.mark.parametrize(
    ("image", "is_said"), [("node:18-alpine", True), ("node:20", False), ("node", False)]
)
def test_another_version_of_node_is_said(monkeypatch: pytest.MonkeyPatch, image: str, is_said: bool) -> None:
    monkeypatch.setattr(node_version, "installed", lambda: "20.20.2")
    said: list[str] = []
    node_version.compare("web", image, said.append)
    sentence = "web asks for Node.js 18; it gets 20.20.2, the one of this machine"
    assert said == ([sentence] if is_said else [])
