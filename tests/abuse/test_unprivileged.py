"""What a service of the local engine can do where root starts the stack: nothing that needs root's rights."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import evidence
from cli.terminal import Ended, inv
from stack.records import state
from stack.system.processes import children
from unprotected.protection import Cut, protected_by

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")

HELPERS = ("slirp4netns", "stack/engines/local/forwarder.py")
"""Programs of the guardian's own that stay root's: the ways between the networks and other hosts."""

AS_ROOT = Cut("stack/engines/local/accounts.py", "    if os.geteuid() != 0:\n", "    if True:\n")

COMPOSE = """\
services:
  web:
    build: .
    ports: ["127.0.0.1::80"]
    environment:
      FOREIGN: {foreign}
      SECRET_FILE: /run/secrets/key
      KEPT: /kept/file
      BOUND: /bound/file
    volumes: [kept:/kept, ./bound:/bound]
    secrets: [key]
    healthcheck:
      test: [CMD, curl, -f, http://localhost:80/]
      start_period: 20s
  job:
    build: .
    command: [python, -c, "import os; print('job', os.getuid())"]
    restart: "no"
volumes:
  kept:
secrets:
  key:
    file: ./key
"""

APP = """
import http.server, json, os, pathlib, sqlite3

def attempt(work):
    try:
        return work()
    except OSError as error:
        return type(error).__name__

def write(name):
    path = pathlib.Path(os.environ[name])
    path.write_text("mine")
    return "written"

database = sqlite3.connect("db.sqlite3")
database.execute("CREATE TABLE IF NOT EXISTS lives (life int)")
database.execute("INSERT INTO lives VALUES (1)")
database.commit()
facts = {
    "ids": [*os.getresuid(), *os.getresgid(), *os.getgroups()],
    "lives": database.execute("SELECT count(*) FROM lives").fetchone()[0],
    "foreign": attempt(lambda: open(os.environ["FOREIGN"]).read()),
    "home of root": attempt(lambda: sorted(set(os.listdir("/root")) - {".pyenv"})),
    "shadow": attempt(lambda: open("/etc/shadow").read()),
    "becomes root": attempt(lambda: os.setuid(0)),
    "secret": attempt(lambda: open(os.environ["SECRET_FILE"]).read()),
    "kept": attempt(lambda: write("KEPT")),
    "bound": attempt(lambda: write("BOUND")),
    "own home": attempt(lambda: pathlib.Path.home().joinpath("file").write_text("x")),
    "standard output": attempt(lambda: open("/dev/stdout", "w").write("opened again\\n")),
}
pathlib.Path("facts.json").write_text(json.dumps(facts))
server = http.server.HTTPServer(("", int(os.environ.get("PORT", 80))), http.server.SimpleHTTPRequestHandler)
server.serve_forever()
"""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A small project of somebody else, with its data in its own folder, that root has started."""

    folder: Path
    environment: dict[str, str]

    @property
    def name(self) -> str:
        """Return the name of its stack."""
        return self.environment["STACK_NAME"]

    def inv(self, typed: str) -> Ended:
        """Type `inv ...` for it."""
        return inv(f"{typed} --compose {self.folder}/compose.yaml", self.environment, limit_s=120)

    def facts(self) -> dict[str, object]:
        """Return what the service found it could do."""
        return dict(json.loads((self.folder / "facts.json").read_text()))


@pytest.fixture(scope="module", params=["1", "0"], ids=["own networks", "shared network"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Start a project below a folder that only root may enter, with and without networks of its own."""
    home = tmp_path_factory.mktemp("home-of-root", numbered=True)
    descriptor, foreign = tempfile.mkstemp()  # mode 0600
    os.close(descriptor)
    folder = home / "closed" / "project"
    evidence.watch(folder / ".stack" / "runs")
    (folder / "bound").mkdir(parents=True)
    (home / "closed").chmod(0o700)
    (folder / "key").write_text("the key")
    (folder / "key").chmod(0o600)
    (folder / "compose.yaml").write_text(COMPOSE.format(foreign=foreign))
    (folder / "app.py").write_text(APP)
    (folder / "Dockerfile").write_text(
        'FROM python:3-slim\nCOPY . /app\nWORKDIR /app\nCMD ["python", "app.py"]\n'
    )
    name = f"abuse-{secrets.token_hex(3)}"
    started = Project(folder=folder, environment={"STACK_NAME": name, "STACK_NETWORKS": request.param})
    try:
        up = started.inv("up --engine local")
        assert up.code == 0, up.out + up.err
        yield started
    finally:
        started.inv("down --volumes")
        Path(foreign).unlink()


def descendants(pid: int) -> list[int]:
    """Return all processes that came from a process."""
    found = children(pid)
    for each in found:
        found += children(each)
    return found


def running_as_root(pid: int) -> set[str]:
    """Return the processes below the guardian that are root's, as `pid program`."""
    found = set()
    for each in descendants(pid):
        try:
            text = Path(f"/proc/{each}/status").read_text()
            command = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        ids = next(line for line in text.splitlines() if line.startswith("Uid:")).split()
        if "0" in ids and not any(helper in command for helper in HELPERS):
            found.add(f"{each} {command}")
    return found


@protected_by("a service runs as an account without rights", AS_ROOT)
def test_no_process_of_a_stack_is_roots(project: Project) -> None:
    guardian = state.guardian_of(project.name)
    assert guardian is not None
    seen = [running_as_root(guardian[0])]
    for _ in range(3):  # a health check is root's until it has changed its account
        time.sleep(0.2)
        seen.append(running_as_root(guardian[0]))
    assert set.intersection(*seen) == set()
    assert len(descendants(guardian[0])) > 0


@protected_by("a service runs as an account without rights", AS_ROOT)
def test_a_service_can_do_nothing_that_needs_root(project: Project) -> None:
    facts = project.facts()
    refused = {name: facts[name] for name in ("foreign", "shadow", "becomes root")}
    assert refused == dict.fromkeys(refused, "PermissionError")
    assert facts["home of root"] in ([], "PermissionError")
    assert isinstance(ids := facts["ids"], list)
    assert 0 not in ids


def test_a_small_project_still_runs_with_its_data_in_its_own_folder(project: Project) -> None:
    facts = project.facts()
    for name, found in {"secret": "the key", "kept": "written", "bound": "written", "own home": 1}.items():
        assert facts[name] == found, name
    assert facts["standard output"] == len("opened again\n")
    lives = facts["lives"]
    assert project.inv("restart web").code == 0
    assert isinstance(lives, int)
    assert project.facts()["lives"] == lives + 1


def test_what_a_service_writes_into_the_project_belongs_to_whom_the_folder_belongs(project: Project) -> None:
    for file in ("db.sqlite3", "facts.json", "bound/file"):
        assert (project.folder / file).stat().st_uid == 0
    assert (project.folder / "key").stat().st_mode & 0o777 == 0o600


@protected_by("inv exec runs as the service's account", AS_ROOT)
def test_a_command_in_a_service_and_a_job_run_as_its_account(project: Project) -> None:
    for command in ("id -u", "id -g"):
        found = project.inv(f"exec web --command '{command}'")
        assert (found.code, found.out.strip()) != (0, "0"), command
    assert project.inv("exec web --command 'python -c \"import os; os.setuid(0)\"'").code != 0
    job = project.inv("logs job")
    assert "job 0" not in job.out
    assert "job " in job.out
