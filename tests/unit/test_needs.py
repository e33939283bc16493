"""What a service needs is what its Dockerfile installs, else what the files of its project say."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.environments import needs, service_environment
from stack.environments.interpreters import PythonWish
from stack.environments.needs import Needs
from stack.errors import NotRunnable
from stack.model import Build, LocalHints, Service
from stack.plan import image_config


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("pytest\n")
    return tmp_path


def service(project: Path, dockerfile: str, **hints: str) -> Service:
    build = Build(context=project, dockerfile_text=dockerfile)
    return Service(name="web", build=build, local=LocalHints(**hints))  # type: ignore[arg-type]


def of(project: Path, dockerfile: str, **hints: str) -> Needs:
    web = service(project, dockerfile, **hints)
    return needs.of_service(web, image_config.of_service(web))


def words(found: Needs) -> list[str]:
    assert found.python is not None
    return [" ".join(command[6:]) for command in found.python.commands]


def test_the_file_that_the_dockerfile_installs_is_installed(project: Path) -> None:
    text = "FROM python:3.13\nCOPY requirements/dev.txt /tmp/r.txt\nRUN pip install -r /tmp/r.txt\n"
    assert words(of(project, text)) == [f"-r {project}/requirements/dev.txt"]


def test_a_file_that_is_mounted_for_the_build_is_found_by_its_name(project: Path) -> None:
    text = "FROM python:3.13\nRUN --mount=type=bind,source=requirements.txt,target=requirements.txt "
    assert words(of(project, f"{text}pip install -r requirements.txt gunicorn\n")) == [
        f"-r {project}/requirements.txt gunicorn"
    ]


def test_options_that_say_how_pip_works_are_left_out(project: Path) -> None:
    text = "FROM python:3.13\nRUN pip install -U pip && "
    text += "pip install --no-cache-dir -i https://x/ --pre 'a[b]>1' c==$V /wheels/*\n"
    assert words(of(project, text)) == ["a[b]>1"]


def test_wheels_of_another_stage_are_what_that_one_makes(project: Path) -> None:
    text = "FROM python:3.13 AS build\nCOPY requirements .\nRUN pip wheel --wheel-dir /w -r dev.txt\n"
    text += "FROM python:3.13\nCOPY --from=build /w /wheels\n"
    text += "RUN pip install --no-index --find-links=/wheels/ /wheels/*\n"
    assert words(of(project, text)) == [f"-r {project}/requirements/dev.txt"]


def test_variables_of_the_image_are_known_in_its_commands(project: Path) -> None:
    text = "FROM python:3.13\nARG STAGE=dev\nCOPY . .\nRUN pip install -r requirements/${STAGE}.txt\n"
    assert words(of(project, text)) == [f"-r {project}/requirements/dev.txt"]


def test_a_stage_that_files_are_copied_from_counts_where_the_last_one_installs_nothing(project: Path) -> None:
    text = "FROM python:3.13 AS one\nCOPY requirements/dev.txt .\nRUN pip install -r dev.txt\n"
    text += "FROM python:3.13\nCOPY --from=one /venv /venv\n"
    assert words(of(project, text)) == [f"-r {project}/requirements/dev.txt"]


def test_the_files_of_the_project_count_where_no_stage_installs_anything(project: Path) -> None:
    assert words(of(project, "FROM python:3.13\n")) == [f"-r {project}/requirements.txt"]


def test_a_python_image_without_packages_gets_an_empty_environment(tmp_path: Path) -> None:
    found = of(tmp_path, "FROM python:3.12-slim\n")
    assert words(found) == []
    assert found.python is not None
    assert found.python.python == PythonWish(preferred="3.12")


@pytest.mark.parametrize(
    ("base", "version"),
    [
        ("python:3.10-alpine", "3.10"),
        ("ghcr.io/astral-sh/uv:python3.14-bookworm-slim", "3.14"),
        ("tiangolo/uvicorn-gunicorn-fastapi:python3.9-slim", "3.9"),
        ("python:3", ""),
        ("debian:12", ""),
    ],
)
def test_the_base_image_says_which_python_is_preferred(base: str, version: str, project: Path) -> None:
    found = of(project, f"FROM {base}\n")
    assert found.python is not None
    assert found.python.python == PythonWish(preferred=version)


def test_the_project_s_own_python_goes_before_the_base_image_s(project: Path) -> None:
    (project / ".python-version").write_text("3.11\n")
    found = of(project, "FROM python:3.13\n")
    assert found.python is not None
    assert found.python.python.preferred == "3.11"


def test_of_the_versions_that_a_project_takes_the_base_image_s_is_preferred(project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "p"\nrequires-python = ">=3.10"\n')
    found = of(project, "FROM python:3.13\nRUN pip install .\n")
    assert found.python is not None
    assert found.python.python == PythonWish(required=">=3.10", preferred="3.13")


def test_x_local_makes_the_python_a_must(project: Path) -> None:
    found = of(project, "FROM python:3.13\n", python="3.12")
    assert found.python is not None
    assert found.python.python == PythonWish(required="==3.12.*")


def test_a_node_project_is_the_one_that_npm_is_run_in(project: Path) -> None:
    (project / "web").mkdir()
    (project / "web" / "package.json").write_text("{}")
    text = "FROM node:20\nWORKDIR /app\nCOPY web .\nRUN npm ci\n"
    assert of(project, text).node == project / "web"
    assert of(project / "web", "FROM node:20\n").node == project / "web"
    assert of(project, "FROM python:3.13\n").node is None


def test_a_node_project_without_its_lock_cannot_be_run(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "yarn.lock").touch()
    web = service(tmp_path, "FROM node:20\n")
    with pytest.raises(NotRunnable, match=r"package\.json and yarn\.lock; the local engine installs from"):
        service_environment.require_installable(web, image_config.of_service(web))


def test_a_base_image_with_programs_of_its_own_cannot_be_replaced(tmp_path: Path) -> None:
    web = service(tmp_path, "FROM nginx:1.25\nCMD x\n")
    with pytest.raises(NotRunnable, match=r"its base image nginx:1\.25 is neither"):
        service_environment.require_installable(web, image_config.of_service(web))


@pytest.mark.parametrize("base", ["debian:12", "python:3.13", "docker.io/library/postgres:15", "scratch"])
def test_a_plain_system_and_a_server_can_be_replaced(base: str, tmp_path: Path) -> None:
    web = service(tmp_path, f"FROM {base}\nCMD x\n")
    service_environment.require_installable(web, image_config.of_service(web))


def test_a_folder_that_is_only_local_is_a_project_of_its_files(tmp_path: Path) -> None:
    """An image that containers run, and a folder that this machine runs instead (``x-local``)."""
    (tmp_path / "package.json").write_text("{}")
    page = Service(name="page", image="page:1", local=LocalHints(working_dir=tmp_path, command=("page",)))
    assert needs.of_service(page, image_config.of_service(page)) == Needs(node=tmp_path)
