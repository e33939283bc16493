"""What CI runs. `nox` alone is lint, tests and integration; `nox -l` is the manual."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests", "integration"]
nox.options.error_on_external_run = True

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))  # tools/ is not installed
logging.getLogger("stack").setLevel(logging.INFO)  # nox listens to everything; commands are told at DEBUG
PATHS = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
"""Where Python finds the engine and, below tests/, each suite as a package."""
DEVELOPMENT = "tools/requirements/dev.txt"
COMPOSE = ("compose/docker-compose.local.yml", "compose/docker-compose.ci.yml")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the repository with tests of its own: its folder, its lock, what pytest is given."""

    folder: str
    lock: str
    arguments: tuple[str, ...] = ()


PARTS = {
    "stack": Part(folder=".", lock=DEVELOPMENT, arguments=("-m", "not differential")),
    "backend": Part(folder="backend", lock="requirements-dev.txt"),
    "gateway": Part(folder="ai-services/api_gateway", lock="requirements-dev.txt"),
}


def _install(session: nox.Session, lock: str) -> None:
    session.install("--quiet", "--require-hashes", "--requirement", lock)


def _files(session: nox.Session, *patterns: str) -> list[str]:
    listed = session.run("git", "ls-files", "--", *patterns, external=True, silent=True, log=False)
    return [name for name in str(listed).splitlines() if (ROOT / name).exists()]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types, shell, YAML, Dockerfiles, workflows, locks and compose files."""
    _install(session, DEVELOPMENT)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports", env={"PYTHONPATH": str(ROOT)})
    session.run("yamllint", "--strict", *_files(session, "*.yml", "*.yaml", ".yamllint.yml"))
    session.run("shellcheck", *_files(session, "*.sh", ".ci/run", "tools/base-images/*entrypoint*"))
    _check_containers(session)
    workflows = _files(session, ".github/workflows/*.yml")
    session.run("actionlint", *workflows)
    session.run("zizmor", "--offline", "--quiet", *workflows)
    session.run("python", "-m", "tools.locks", env={"PYTHONPATH": str(ROOT)})


def _check_containers(session: nox.Session) -> None:
    session.run("hadolint", *_files(session, "*Dockerfile", "*.Dockerfile"))
    for file in COMPOSE:
        session.run("python", "-m", "stack.compose", file, env={"PYTHONPATH": str(ROOT)})
        if _has_docker_compose(session):
            session.run("docker", "compose", "--file", file, "config", "--quiet", external=True)


def _has_docker_compose(session: nox.Session) -> bool:
    if shutil.which("docker") is None:
        return False
    asked = ("docker", "compose", "version")
    said = session.run(*asked, external=True, silent=True, log=False, success_codes=range(256))
    return "Docker Compose version" in str(said)


@nox.session(name="docker-lint", default=False)
def docker_lint(session: nox.Session) -> None:
    """Check Dockerfiles and compose files alone; `lint` does it too."""
    _install(session, DEVELOPMENT)
    _check_containers(session)


@nox.session
@nox.parametrize("part", list(PARTS), ids=list(PARTS))
def tests(session: nox.Session, part: str) -> None:
    """Run the unit tests of one part: no engine, no network."""
    chosen = PARTS[part]
    session.chdir(chosen.folder)
    _install(session, chosen.lock)
    session.run("python", "-m", "pytest", *chosen.arguments, *session.posargs, env={"PYTHONPATH": "."})


@nox.session(python=False)
def integration(session: nox.Session) -> None:
    """Bring a stack up, test it, end it (-- --engine docker|local --stack local|ci --keep -k EXPR)."""
    from stack.commands import integration

    if code := integration.run(session.posargs):
        sys.exit(code)


@nox.session(python=False)
def build(session: nox.Session) -> None:
    """Make images or environments for a stack (-- --engine docker|local --stack local|ci)."""
    from stack.commands import integration

    if code := integration.build(session.posargs):
        sys.exit(code)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Break a running stack in every way known and compare what is said (FAULTS_ENGINE=local|docker)."""
    _install(session, DEVELOPMENT)
    environment = {"FAULTS_ENGINE": os.environ.get("FAULTS_ENGINE", "local"), "PYTHONPATH": PATHS}
    session.run("python", "-m", "pytest", "tests/faults", *session.posargs, env=environment)


@nox.session(default=False)
def unprotected(session: nox.Session) -> None:
    """Take each protection out of a copy and see its tests fail (-- faults|crashes WORD...)."""
    _install(session, DEVELOPMENT)
    environment = {"FAULTS_ENGINE": os.environ.get("FAULTS_ENGINE", "local"), "PYTHONPATH": PATHS}
    session.run("python", "-m", "unprotected", *session.posargs, env=environment)


@nox.session(default=False)
def crashes(session: nox.Session) -> None:
    """Kill the shop's processes at every step and compare its books (CRASHES_LONG=1, TEST_SEED)."""
    _install(session, DEVELOPMENT)
    session.run("python", "-m", "pytest", "tests/crashes", *session.posargs, env={"PYTHONPATH": PATHS})


@nox.session(default=False)
def data(session: nox.Session) -> None:
    """Reset, snapshot, back up, restore a real stack; kill, damage, disguise (DATA_ENGINE, DATA_LONG=1)."""
    _install(session, DEVELOPMENT)
    session.run("python", "-m", "pytest", "tests/data", *session.posargs, env={"PYTHONPATH": PATHS})


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Fuzz the backend by its OpenAPI (-- --long --engine docker|podman|local --stack local|ci)."""
    _install(session, "tools/requirements/fuzz.txt")
    session.run("python", "-m", "tools.fuzzing", *session.posargs, env={"PYTHONPATH": str(ROOT)})


@nox.session(default=False)
def workflows(session: nox.Session) -> None:
    """Run the workflow files for real with act, on this machine (-- docker|local; else what answers)."""
    from stack.engines import registry

    _install(session, "tools/requirements/workflows.txt")
    engine = registry.choose(session.posargs[0] if session.posargs else "auto")
    kept = ROOT / ".stack" / "artifacts"
    with tempfile.TemporaryDirectory(prefix="workflows-") as folder:
        for file in _files(session, ".github/workflows/*.yml"):
            session.run(
                "act", "push", "--workflows", file, "--platform", "ubuntu-latest=-self-hosted",
                "--var", f"STACK_ENGINE={engine}", "--env", f"WORKFLOW_ARTIFACTS={kept}",
                "--action-cache-path", folder, "--no-cache-server", *_stand_ins(file),
            )  # fmt: skip


def _stand_ins(workflow: str) -> list[str]:
    """Return act's options that put the folders of tools/stand-ins in the place of GitHub's actions."""
    used = set(re.findall(r"uses: (actions/([\w-]+)@\w+)", (ROOT / workflow).read_text(encoding="utf-8")))
    folder = ROOT / "tools" / "stand-ins"
    return [f"--local-repository={use}={folder / name}" for use, name in used if (folder / name).is_dir()]


@nox.session(name="base-images", python=False, default=False)
def base_images(session: nox.Session) -> None:
    """Make the base images from Debian packages where no registry answers (-- --replace)."""
    from stack.errors import StackError
    from tools import base_images

    try:
        base_images.make(tags=None, replace="--replace" in session.posargs, say=session.log)
    except StackError as problem:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(problem.code)


@nox.session(default=False)
def parity(session: nox.Session) -> None:
    """Run the same small stacks on every engine and compare what is seen (needs a Docker Engine)."""
    _install(session, DEVELOPMENT)
    session.run("python", "-m", "pytest", "tests/parity", *session.posargs, env={"PYTHONPATH": PATHS})


@nox.session(name="plain-compose", default=False)
def plain_compose(session: nox.Session) -> None:
    """Type the users' document's own Docker commands and compare what they print (needs an Engine)."""
    _install(session, DEVELOPMENT)
    session.run("python", "-m", "pytest", "tests/plain_compose", *session.posargs, env={"PYTHONPATH": PATHS})


@nox.session(python=False, default=False)
def lock(session: nox.Session) -> None:
    """Make every lock of pyproject.toml's table anew (-- --upgrade), or compare them offline (-- --check)."""
    from tools import locks

    if "--check" in session.posargs:
        sys.exit(locks.main(ROOT))
    for entry in locks.table(ROOT):
        options = ["--python-version", entry.python]
        options += [f"--group={entry.source}:{name}" for name in entry.groups]
        options += ["--constraint", entry.within] if entry.within else []
        options += ["--no-deps"] if entry.alone else []
        session.run(
            sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes",
            "--no-emit-index-url", "--custom-compile-command", "nox -s lock", *options, *session.posargs,
            entry.source, "--output-file", entry.target, external=True,
        )  # fmt: skip


@nox.session(default=False, python=False)
def clean(session: nox.Session) -> None:
    """Remove what sessions left in this work tree: environments, caches, runs."""
    for name in (".nox", ".stack", ".mypy_cache", ".ruff_cache", ".pytest_cache"):
        shutil.rmtree(ROOT / name, ignore_errors=True)
