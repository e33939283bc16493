"""The checks of `nox -s lint` that take more than a command."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import nox

from stack.system.directories import ROOT

COMPOSE = ("compose/docker-compose.local.yml", "compose/docker-compose.ci.yml")


def files(session: nox.Session, *patterns: str) -> list[str]:
    """Return the files of the repository that fit one of the patterns of git."""
    output = session.run("git", "ls-files", "--", *patterns, external=True, silent=True, log=False)
    return [name for name in str(output).splitlines() if (ROOT / name).exists()]


def imports(session: nox.Session, projects: Sequence[str]) -> None:
    """Check the import contract of every project (its folder) that has one."""
    for project in projects:
        folder = ROOT / project
        if "[tool.importlinter]" in (folder / "pyproject.toml").read_text(encoding="utf-8"):
            config = str(folder / "pyproject.toml")
            session.run("lint-imports", "--no-cache", "--config", config, env={"PYTHONPATH": str(folder)})


def containers(session: nox.Session) -> None:
    """Check the Dockerfiles and the compose files, by Docker Compose too where it is installed."""
    session.run("hadolint", *files(session, "*Dockerfile", "*.Dockerfile"))
    for file in COMPOSE:
        session.run("python", "-m", "stack.commands.config", file, env={"PYTHONPATH": str(ROOT)})
        if has_docker_compose(session):
            session.run("docker", "compose", "--file", file, "config", "--quiet", external=True)


def metrics(session: nox.Session) -> None:
    """Check Prometheus' configuration and test its rules by its own tool, which .ci/run installs."""
    folder = ROOT / "compose" / "observability"
    if shutil.which("promtool") is None:
        session.warn(
            "Prometheus' rules were NOT tested: there is no promtool (Debian: apt install prometheus)"
        )
        return
    session.run("promtool", "check", "config", str(folder / "prometheus" / "prometheus.yml"), external=True)
    session.run("promtool", "test", "rules", str(folder / "tests" / "rules.yml"), external=True)


def has_docker_compose(session: nox.Session) -> bool:
    """Return whether Docker's compose plugin answers."""
    if shutil.which("docker") is None:
        return False
    argv = ("docker", "compose", "version")
    output = session.run(*argv, external=True, silent=True, log=False, success_codes=range(256))
    return "Docker Compose version" in str(output)
