"""``uv run``, ``poetry run`` and ``pdm run`` of a service's command use the environment that is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stack.engines.local import service_variables, stand_ins
from stack.environments.service_environment import ServiceEnvironment
from stack.model import Service
from stack.plan.plan import ServicePlan


def program(path: Path, says: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "{says}" "$@"\n')
    path.chmod(0o755)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a service whose Python environment has ``python`` and ``serve``."""
    for name in ("python", "serve"):
        program(tmp_path / "venv" / name, name)
    installed = ServiceEnvironment(programs=(tmp_path / "venv",), virtualenv=tmp_path)
    web = ServicePlan(service=Service(name="web"), argv=(), environment={}, ports={}, cwd=tmp_path)
    return service_variables.environment_of(web, "token", installed) | {"PYTHONPATH": ""}


def run(environment: dict[str, str], line: str) -> tuple[int, str, str]:
    folder = environment["VIRTUAL_ENV"]
    done = subprocess.run(["sh", "-c", line], env=environment, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


@pytest.mark.parametrize("tool", ["uv", "poetry", "pdm"])
@pytest.mark.parametrize(
    ("words", "output"),
    [
        ("run serve --host 0.0.0.0", "serve --host 0.0.0.0"),
        ("run --frozen --extra x --no-dev -- serve -m", "serve -m"),
        ("run -m package.main x", "python -m package.main x"),
        ("run main.py --frozen", "python main.py --frozen"),
        ("sync --frozen", ""),
        ("install", ""),
    ],
)
def test_a_command_runs_in_the_environment_without_the_tool(
    environment: dict[str, str], tool: str, words: str, output: str
) -> None:
    assert run(environment, f"{tool} {words}") == (0, output, "")


@pytest.mark.parametrize("words", ["version", "run --with x serve", "run no-such-program"])
def test_anything_else_needs_the_tool_and_says_so(
    environment: dict[str, str], tmp_path: Path, words: str
) -> None:
    alone = {**environment, "PATH": f"{stand_ins.RUNNERS}:{tmp_path}/venv:/usr/bin:/bin"}
    assert run(alone, f"pdm {words}") == (
        127,
        "",
        f"pdm is not installed here: of it there is only `pdm run COMMAND`, and no `{words}`",
    )


def test_the_tool_that_is_installed_gets_anything_else_and_makes_no_other_environment(
    environment: dict[str, str], tmp_path: Path
) -> None:
    program(tmp_path / "installed" / "uv", "$UV_PROJECT_ENVIRONMENT $UV_NO_SYNC")
    path = f"{environment['PATH']}{os.pathsep}{tmp_path}/installed"
    both = {**environment, "PATH": f"{stand_ins.RUNNERS}:{tmp_path}/installed:{path}"}
    assert run(both, "uv run --with x serve") == (0, f"{tmp_path} 1 run --with x serve", "")
