"""Which interpreter a project gets: one that it requires, else the preferred one, else the nearest."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from stack.environments import interpreters, uv
from stack.environments.interpreters import PythonWish, choose
from stack.errors import BuildFailed, PythonMissing

VERSIONS = ("3.8.18", "3.9.18", "3.12.1", "3.13.0")
RUNNING = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreters are scripts that say their version; `uv` finds them."""
    from packaging.specifiers import SpecifierSet

    for version in VERSIONS:
        program = tmp_path / version
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)

    def call(*words: str, cwd: Path, path: str | None = None) -> str:
        if words[1] == "list":
            return "".join(f"cpython-{version}-linux-x86_64 /x\n" for version in VERSIONS)
        found = [version for version in VERSIONS if SpecifierSet(words[-1]).contains(version)]
        if not found:
            raise BuildFailed("none")
        return f"{tmp_path / found[-1]}\n"

    monkeypatch.setattr(uv, "call", call)


@pytest.mark.parametrize(
    ("wish", "version"),
    [
        (PythonWish(), RUNNING),
        (PythonWish(required="<3.9"), "3.8.18"),
        (PythonWish(preferred="3.9"), "3.9.18"),
        (PythonWish(required=">=3.8,<3.10", preferred="3.8"), "3.8.18"),
        (PythonWish(required=">=3.8,<3.10", preferred="3.12"), "3.9.18"),
        (PythonWish(preferred="3.14"), "3.13.0"),
        (PythonWish(preferred="3.7"), "3.8.18"),
        (PythonWish(preferred="3.10"), "3.9.18"),
    ],
)
def test_the_best_interpreter_is_chosen(wish: PythonWish, version: str) -> None:
    assert choose("web", wish).version == version


def test_the_use_of_the_nearest_version_is_reported() -> None:
    said: list[str] = []
    choose("web", PythonWish(preferred="3.14"), said.append)
    assert said == ["web asks for Python 3.14, which is not installed; it gets 3.13.0"]


def test_a_required_version_that_is_missing_is_an_error_with_what_is_installed() -> None:
    message = re.escape(f"web needs Python >=3.99; installed: {', '.join(sorted(VERSIONS))}.")
    with pytest.raises(PythonMissing, match=message):
        choose("web", PythonWish(required=">=3.99", preferred="3.12"))


def test_the_running_interpreter_is_outside_any_environment() -> None:
    assert interpreters.running().version == RUNNING


def test_a_pyenv_of_another_account_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pyenv" / "versions" / "9.9.9" / "bin").mkdir(parents=True)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert "9.9.9" in interpreters.search_path()
    monkeypatch.setattr("stack.environments.interpreters.os.access", lambda path, mode: False)
    assert "9.9.9" not in interpreters.search_path()
