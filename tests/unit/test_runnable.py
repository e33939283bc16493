"""The local engine names every service that it cannot run, before any of them starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from stack.engines.local.runnable import require_runnable
from stack.environments import interpreters
from stack.environments.interpreters import Interpreter, PythonWish
from stack.errors import NotRunnable, PythonMissing, ServerMissing
from stack.model import Build, Mount, Service, Stack
from stack.plan import plan
from stack.plan.plan import Plan


@pytest.fixture(autouse=True)
def no_other_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_missing(name: str, wish: PythonWish, say: object = None) -> Interpreter:
        raise PythonMissing(f"{name} needs Python {wish.required}.", hint="Install one.")

    monkeypatch.setattr(interpreters, "choose", raise_missing)


def make(*services: Service, folders: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> Plan:
    table = {service.name: service for service in services}
    stack = Stack(name="shop", files=(), directory=Path("/w"), services=table)
    return plan.make(stack, name="shop", engine="local", services=table, ports={}, folders=folders)


def service_with_build(name: str, folder: Path, dockerfile: str, requires_python: str = ">=3.11") -> Service:
    (folder / name).mkdir()
    (folder / name / "pyproject.toml").write_text(
        f'[project]\nname = "a"\nrequires-python = "{requires_python}"\n'
    )
    return Service(name=name, build=Build(context=folder / name, dockerfile_text=dockerfile))


def test_problems_of_images_builds_and_pythons_are_one_error(tmp_path: Path) -> None:
    services = make(
        Service(name="proxy", image="traefik:3"),
        service_with_build("old", tmp_path, "FROM python:3.99\nCMD run\n", ">=3.99"),
        service_with_build("bare", tmp_path, "FROM nginx\n"),
        service_with_build("well", tmp_path, "FROM python:3.13\nCMD run\n"),
        Service(name="db", image="postgres:15"),
    )
    with pytest.raises(NotRunnable) as caught:
        require_runnable(services)
    lines = caught.value.message.splitlines()
    assert lines[0] == "3 services cannot run on the local engine:"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "  services.proxy",
        "  services.old",
        "  services.bare",
    ]
    assert all(line.endswith(("engine docker).", "engine docker.", "Install one.")) for line in lines[1:])


def test_a_program_that_only_the_build_of_an_image_makes_is_named(tmp_path: Path) -> None:
    built = Build(
        context=tmp_path,
        dockerfile_text="FROM golang:1.22 AS build\nRUN go build -o /app\n"
        'FROM scratch\nCOPY --from=build /app /app\nENTRYPOINT ["/app"]\n',
    )
    with pytest.raises(NotRunnable, match=r"services\.api: its program '/app' is not on this machine"):
        require_runnable(make(Service(name="api", build=built)))


def test_a_program_that_a_job_may_put_into_a_volume_is_not_missed(tmp_path: Path) -> None:
    built = Build(context=tmp_path, dockerfile_text='FROM debian\nCMD ["/made/run"]\n')
    volume = Mount(type="volume", target="/made", source="made")
    service = Service(name="later", build=built, mounts=(volume,))
    folders = {"later": {"/made": str(tmp_path / "volume")}}
    require_runnable(make(service, folders=folders))


def test_a_missing_python_alone_keeps_its_own_exit_code(tmp_path: Path) -> None:
    with pytest.raises(PythonMissing, match=r"old needs Python >=3\.99"):
        require_runnable(make(service_with_build("old", tmp_path, "FROM python:3.99\nCMD run\n", ">=3.99")))


def test_every_script_that_the_kernel_would_refuse_is_named_before_anything_is_installed(
    tmp_path: Path,
) -> None:
    services = [
        service_with_build(name, tmp_path, 'FROM python:3.13\nENTRYPOINT ["./start"]\n')
        for name in ("web", "worker")
    ]
    for name in ("web", "worker"):
        (tmp_path / name / "start").write_text("#!/bin/sh\n")
    with pytest.raises(NotRunnable) as caught:
        require_runnable(make(*services))
    assert caught.value.message.count("'./start' cannot be run: it is not executable") == 2


def test_a_server_that_is_not_here_is_named_before_anything_is_installed(tmp_path: Path) -> None:
    old = Service(name="db", image="postgres:9")
    with pytest.raises(ServerMissing, match="There is no Postgres 9 here"):
        require_runnable(make(old))
    with pytest.raises(NotRunnable, match="2 services cannot run"):
        require_runnable(make(old, Service(name="proxy", image="traefik:3")))
