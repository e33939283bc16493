"""A script that the image makes executable runs here without that bit, too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stack.engines.local import launchers
from stack.model import Build, Service, Stack
from stack.plan import plan
from stack.plan.plan import ServicePlan

COPIED = "FROM python:3.13\nCOPY scripts/entry /entry\nCOPY scripts/start /start\n"
MADE = "RUN sed -i 's/\\r$//g' /entry && chmod +x /entry /start\n"
RUN_BY_ENTRY = 'ENTRYPOINT ["/entry"]\nCMD ["/start", "once"]\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/entry").write_text('#!/usr/bin/env sh\necho "entry in $(dirname "$0")"\nexec "$@"\n')
    (tmp_path / "scripts/start").write_text('#!/bin/sh\necho "start $1"\n')
    return tmp_path


def planned(project: Path, dockerfile: str, **mounts: str) -> ServicePlan:
    service = Service(name="web", build=Build(context=project, dockerfile_text=dockerfile))
    stack = Stack(name="shop", files=(), directory=project, services={"web": service})
    folders = {"web": mounts}
    made = plan.make(stack, name="shop", engine="local", services=stack.services, ports={}, folders=folders)
    return made.services["web"]


def output(planned: ServicePlan, folder: Path) -> str:
    argv = launchers.replace_scripts(planned, lambda script: launchers.write_launcher(script, folder))
    return subprocess.run(argv, capture_output=True, text=True, check=True, cwd=planned.cwd).stdout


@pytest.mark.parametrize(
    "dockerfile",
    [
        COPIED + MADE + RUN_BY_ENTRY,
        COPIED + "RUN chmod 0755 /entry; chmod -R u+rwx,go=rx /start\n" + RUN_BY_ENTRY,
        COPIED.replace("COPY", "COPY --chmod=755") + RUN_BY_ENTRY,
        "FROM python:3.13\nWORKDIR /app\nCOPY . .\nRUN chmod -R +x scripts\n"
        + RUN_BY_ENTRY.replace('"/', '"/app/scripts/'),
    ],
)
def test_scripts_that_the_image_makes_executable_are_run_from_where_they_lie(
    project: Path, dockerfile: str
) -> None:
    text = output(planned(project, dockerfile), project / "state")
    assert text == f"entry in {project}/scripts\nstart once\n"


def test_the_first_word_of_a_shell_is_such_a_script(project: Path) -> None:
    text = output(planned(project, COPIED + MADE + "CMD /start twice\n"), project / "state")
    assert text == "start twice\n"


def test_what_the_image_has_not_made_executable_and_what_is_no_program_stay(project: Path) -> None:
    words = launchers.replace_scripts(planned(project, COPIED + RUN_BY_ENTRY), lambda script: "a launcher")
    assert words == (f"{project}/scripts/entry", f"{project}/scripts/start", "once")
    python = planned(project, COPIED + MADE + 'CMD ["python", "/start"]\n')
    assert launchers.replace_scripts(python, lambda script: "a launcher") == (
        "python",
        f"{project}/scripts/start",
    )


def test_a_mounted_script_is_as_it_is_here(project: Path) -> None:
    text = "FROM python:3.13\nCOPY scripts /app\nRUN chmod +x /app/start\n" + 'CMD ["/app/start"]\n'
    mounted = planned(project, text, **{"/app": str(project / "scripts")})
    words = launchers.replace_scripts(mounted, lambda script: "a launcher")
    assert words == (f"{project}/scripts/start",)
