"""What CI runs: `nox` runs lint, tests and integration; `nox -l` lists every session."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))  # tools/ is not installed

from stack.environments import uv
from stack.environments.interpreters import search_path
from tools import lint_checks

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests", "integration"]
nox.options.error_on_external_run = True
nox.options.download_python = "never"  # `nox -P 3.12` takes an interpreter that is installed

ROOT = Path(__file__).parent
os.environ["NOX_ENABLE_STALENESS_CHECK"] = "1"  # another Python than last time: another environment
os.environ["PATH"] = search_path()  # with pyenv's interpreters themselves: its shims fail for most versions
os.environ.update(uv.environment_of(os.environ))  # sessions trust the certificates that the engine trusts
logging.getLogger("stack").setLevel(logging.INFO)  # nox shows every logger; DEBUG echoes every command
PATHS = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
"""PYTHONPATH of the suites: the engine and, below tests/, each suite as a package."""
DEVELOPMENT = "tools/requirements/dev.txt"
ENGINE = {"PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A project of the repository: its folder, its lock file and pytest's arguments."""

    folder: str
    lock: str
    arguments: tuple[str, ...] = ()


PARTS = {
    "stack": Part(folder=".", lock=DEVELOPMENT, arguments=("-m", "not differential", "-n", "auto")),
    "backend": Part(folder="backend", lock="requirements-dev.txt", arguments=("-n", "auto")),
    "dashboard": Part(folder="compose/dashboard", lock="requirements-dev.txt"),
    "gateway": Part(folder="ai-services/api_gateway", lock="requirements-dev.txt"),
}


def _install(session: nox.Session, lock: str) -> None:
    session.install("--quiet", "--require-hashes", "--requirement", lock)


def _suite(session: nox.Session, folder: str, *options: str, lock: str = DEVELOPMENT) -> None:
    """Run a suite of tests/ with pytest."""
    _install(session, lock)
    arguments = (f"tests/{folder}", *options, *session.posargs)
    session.run("python", "-m", "pytest", *arguments, env={"PYTHONPATH": PATHS})


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types, imports, shell, YAML, Dockerfiles, workflows, locks, metrics and compose files."""
    _install(session, DEVELOPMENT)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    lint_checks.imports(session, [part.folder for part in PARTS.values()])
    session.run("vulture")
    session.run("yamllint", "--strict", *lint_checks.files(session, "*.yml", "*.yaml", ".yamllint.yml"))
    session.run("shellcheck", *lint_checks.files(session, "*.sh", ".ci/*", "tools/base-images/*entrypoint*"))
    lint_checks.containers(session)
    lint_checks.metrics(session)
    workflows = lint_checks.files(session, ".github/workflows/*.yml")
    session.run("actionlint", *workflows)
    session.run("zizmor", "--offline", "--quiet", *workflows)
    session.run("python", "-m", "tools.locks", env=ENGINE)


@nox.session(name="docker-lint", default=False)
def docker_lint(session: nox.Session) -> None:
    """Check only the Dockerfiles and compose files (a part of lint)."""
    _install(session, DEVELOPMENT)
    lint_checks.containers(session)


@nox.session
@nox.parametrize("part", list(PARTS), ids=list(PARTS))
def tests(session: nox.Session, part: str) -> None:
    """Run one project's unit tests: no engine, no network (-P 3.12 for another Python)."""
    project = PARTS[part]
    session.chdir(project.folder)
    _install(session, project.lock)
    session.run("python", "-m", "pytest", *project.arguments, *session.posargs, env={"PYTHONPATH": "."})


@nox.session(default=False)
def postgres(session: nox.Session) -> None:
    """Run the backend's unit tests on a real Postgres, made for them (`tests` runs them on SQLite)."""
    backend = PARTS["backend"]
    session.chdir(backend.folder)
    _install(session, backend.lock)
    arguments = (*backend.arguments, *session.posargs)
    session.run("python", "-m", "tests.on_postgres", *arguments, env={"PYTHONPATH": "."})


@nox.session(python=False)
def integration(session: nox.Session) -> None:
    """Start a stack, test it, end it (-- --engine docker|local --stack ci|local --keep -k EXPR)."""
    from stack.commands import integration

    if code := integration.run(session.posargs):
        sys.exit(code)


@nox.session(python=False)
def build(session: nox.Session) -> None:
    """Build a stack's images or environments (-- --engine docker|local --stack ci|local)."""
    from stack.commands import integration

    if code := integration.build(session.posargs):
        sys.exit(code)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Inject faults into running stacks and check every diagnosis (FAULTS_ENGINE=local|docker)."""
    _suite(session, "faults", "-n", "3")  # each test has a stack of its own, and waits most of the time


@nox.session(default=False)
def cli(session: nox.Session) -> None:
    """Type every inv command with every option on a real stack (CLI_ENGINE=local|docker)."""
    _suite(session, "cli")


@nox.session(default=False)
def unprotected(session: nox.Session) -> None:
    """Mutation-test the suites: remove each protection, expect a failing test (-- SUITE WORD...)."""
    _install(session, DEVELOPMENT)
    session.run("python", "-m", "unprotected", *session.posargs, env={"PYTHONPATH": PATHS})


@nox.session(default=False)
@nox.parametrize("part", ["backend", "gateway"], ids=["backend", "gateway"])
def mutants(session: nox.Session, part: str) -> None:
    """Mutation-test a service's unit tests (-- --sample 200 --seed 1; every mutation without --sample)."""
    _install(session, f"tools/requirements/mutants-{part}.txt")
    session.run("python", "-m", "mutants", part, *session.posargs, env={"PYTHONPATH": PATHS})


@nox.session(default=False)
def crashes(session: nox.Session) -> None:
    """Kill the backend at every step and check its data for consistency (CRASHES_LONG=1, TEST_SEED)."""
    _suite(session, "crashes")


@nox.session(default=False)
def abuse(session: nox.Session) -> None:
    """Attack gateway, backend, accounts, engine: slow senders, huge heads, forged fields, guesses, names."""
    _suite(session, "abuse")


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Walk the dashboard and the tools' pages in Chromium (BROWSER_ENGINE=local|docker)."""
    _suite(session, "browser", lock="tools/requirements/browser.txt")


@nox.session(default=False)
def data(session: nox.Session) -> None:
    """Reset, snapshot, back up, restore a real stack; kill and damage (DATA_ENGINE, DATA_LONG=1)."""
    _suite(session, "data")


@nox.session(default=False)
def migrations(session: nox.Session) -> None:
    """Check, lint, reverse and time the backend's migrations (MIGRATIONS_PRODUCTS=100000 for figures)."""
    _install(session, "tools/requirements/migrations.txt")
    environment = {"PYTHONPATH": PATHS, "STACK_PYTHON": sys.executable}
    arguments = ("--override-ini", "pythonpath=", "tests/migrations", *session.posargs)
    session.run("python", "-m", "pytest", *arguments, env=environment)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Fuzz backend and gateway from their OpenAPI schemas (-- --long --engine local --stack ci|local)."""
    _install(session, "tools/requirements/fuzz.txt")
    session.run("python", "-m", "tools.fuzzing", *session.posargs, env=ENGINE)


@nox.session(default=False)
def workflows(session: nox.Session) -> None:
    """Run the GitHub workflows on this machine with act (-- docker|local; default: auto)."""
    from tools import workflows

    _install(session, "tools/requirements/workflows.txt")
    engine = session.posargs[0] if session.posargs else "auto"
    with tempfile.TemporaryDirectory(prefix="workflows-") as folder:
        for file in lint_checks.files(session, ".github/workflows/*.yml"):
            session.run("act", *workflows.options(file, engine, folder=folder))


@nox.session(name="base-images", python=False, default=False)
def base_images(session: nox.Session) -> None:
    """Build the base images from Debian packages where no registry is reachable (-- --replace)."""
    from stack.commands import exit_code
    from tools import base_images

    def build_base_images() -> None:
        base_images.make(tags=None, replace="--replace" in session.posargs, say=session.log)

    if code := exit_code.run(build_base_images):
        sys.exit(code)


@nox.session(default=False)
def parity(session: nox.Session) -> None:
    """Run the same small stacks on every engine and compare the results (needs a Docker Engine)."""
    _suite(session, "parity")


@nox.session(default=False)
def differential(session: nox.Session) -> None:
    """Compare the compose reader with `docker compose config`, case by case (needs the compose plugin)."""
    _install(session, DEVELOPMENT)
    if not lint_checks.has_docker_compose(session):
        session.error("there is no `docker compose` here: install Docker's compose plugin")
    session.run("python", "-m", "pytest", "-m", "differential", *session.posargs, env={"PYTHONPATH": "."})


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Type every console block of the pages and compare its output (DOCS_ENGINE=local|docker)."""
    _suite(session, "docs")


@nox.session(python=False, default=False)
def lock(session: nox.Session) -> None:
    """Write every lock file that pyproject.toml lists (-- --upgrade), or check them offline (-- --check)."""
    from tools import locks

    if "--check" in session.posargs:
        sys.exit(locks.main(ROOT))
    for entry in locks.table(ROOT):
        argv = locks.compile_command(entry, session.posargs)
        session.run(sys.executable, "-m", *argv, external=True)


@nox.session(default=False, python=False)
def clean(session: nox.Session) -> None:
    """Delete what sessions leave in this work tree: environments, caches, runs."""
    for name in (".nox", ".stack", ".mypy_cache", ".ruff_cache", ".pytest_cache"):
        shutil.rmtree(ROOT / name, ignore_errors=True)
