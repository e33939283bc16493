"""A service under debugpy: its plan, its health, its way back, and what an editor gets."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from stack.commands import debug
from stack.control import guardians
from stack.control.choice import Choice
from stack.errors import NotRunnable, NotWritable
from stack.guardian import readiness
from stack.guardian.changes import change
from stack.guardian.service import ServiceRun
from stack.health.probes import Observation
from stack.model import Healthcheck, Service
from stack.plan.debugging import can_debug, debugged
from stack.plan.service_plan import ServicePlan
from stack.records.control import Action, Command, Outcome
from stack.records.service_logs import Log
from stack.records.timeline import Timeline


def plan(*argv: str, **values: object) -> ServicePlan:
    check = Healthcheck(test=("CMD", "true"), interval_s=0.001, retries=1)
    service = Service(name="web", healthcheck=check)
    defaults = {"environment": {"PORT": "8000"}, "ports": {8000: 20001}, "cwd": Path("/"), "network": "own"}
    return ServicePlan(service=service, argv=argv, **(defaults | values))  # type: ignore[arg-type]


WORDS = "-X frozen_modules=off -m debugpy --listen"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a folder with a Python and a gunicorn that print the words they are given, and two scripts."""
    texts = {
        "python3": '#!/bin/sh\necho "$0 $@"\n',
        "python": '#!/bin/sh\necho "$@"\n',
        "gunicorn": "",
        "entry.sh": '#!/bin/sh\nexec "$@"\n',
        "manage.py": "#!/usr/bin/env python\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(made: ServicePlan, programs: Path) -> str:
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "N": "2"}
    done = subprocess.run(
        made.argv, env=environment, cwd=programs, capture_output=True, text=True, check=True
    )
    return done.stdout.replace(f"{programs}/", "").rstrip()


@pytest.mark.parametrize(
    ("argv", "started"),
    [
        (("python", "-m", "gateway"), f"{WORDS} 0.0.0.0:5678 -m gateway"),
        (("python3", "x.py"), f"python3 {WORDS} 0.0.0.0:5678 x.py"),
        (("gunicorn", "config:app", "--x y"), f"{WORDS} 0.0.0.0:5678 gunicorn config:app --x y"),
        (("./entry.sh", "python", "x.py"), f"{WORDS} 0.0.0.0:5678 x.py"),
        (("sh", "./entry.sh", "gunicorn", "a"), f"{WORDS} 0.0.0.0:5678 gunicorn a"),
        (("./manage.py", "runserver"), f"{WORDS} 0.0.0.0:5678 ./manage.py runserver"),
        (("/bin/sh", "-c", "gunicorn -w ${N:-4} 'a b'"), f"{WORDS} 0.0.0.0:5678 gunicorn -w 2 a b"),
        (("sh", "-c", "echo 1 && exec python x.py"), f"1\n{WORDS} 0.0.0.0:5678 x.py"),
        (("sh", "-c", "echo 1; echo 2\n gunicorn a"), f"1\n2\n{WORDS} 0.0.0.0:5678 gunicorn a"),
    ],
)
def test_the_python_program_of_a_command_is_started_by_the_debugger(
    argv: tuple[str, ...], started: str, programs: Path
) -> None:
    own = plan(*argv, cwd=programs)
    assert can_debug(own)
    assert run(debugged(own, port=5678, debugpy=Path("/cache/debugpy")), programs) == started


@pytest.mark.parametrize(
    "argv",
    [
        ("./entry.sh",),
        ("sh",),
        ("sh", "-c", "python x.py | tee log"),
        ("sh", "-c", "for a in b; do python x.py; done"),
        ("sh", "-c", "A=1 python x.py"),
        ("sh", "-c", "echo 'a; b' && python -c 'x; y'"),
    ],
)
def test_where_the_program_cannot_be_seen_nothing_is_debugged(argv: tuple[str, ...], programs: Path) -> None:
    assert not can_debug(plan(*argv, cwd=programs))


def test_a_debugged_service_has_one_worker_and_one_port_more() -> None:
    made = debugged(plan("python", "-m", "gateway"), port=5678, debugpy=Path("/cache/debugpy"))
    assert made.ports == {8000: 20001, 5678: 5678}
    assert made.environment == {
        "PORT": "8000",
        "PYTHONPATH": "/cache/debugpy",
        "WEB_CONCURRENCY": "1",
        "GUNICORN_CMD_ARGS": "--timeout 0",
    }


def test_without_a_network_of_its_own_it_listens_on_loopback_only() -> None:
    shared = plan("/usr/bin/python3.11", "x.py", network="shared", environment={"PYTHONPATH": "/own"})
    made = debugged(shared, port=7, debugpy=Path("/d"))
    assert made.argv[3:] == ("127.0.0.1:7", "/usr/bin/python3.11", "x.py")
    assert made.environment["PYTHONPATH"] == "/d:/own"


class Services:
    """A supervisor that only notes by which plan a service is started."""

    def __init__(self, run: ServiceRun) -> None:
        self.runs = {"web": run}
        self.started: list[tuple[str, ...]] = []

    def with_dependents(self, names: list[str]) -> list[str]:
        return list(names)

    async def stop(self, name: str) -> None:
        """Do nothing."""

    async def start(self, names: list[str]) -> list[object]:
        self.started += [self.runs[name].plan.argv for name in names]
        return []


def service_run(tmp_path: Path) -> ServiceRun:
    log, timeline = Log(tmp_path / "web.log"), Timeline(tmp_path)
    return ServiceRun(plan=plan("python", "x.py"), log=log, timeline=timeline, clock=lambda: 1.0)


def test_debug_restarts_a_service_under_the_debugger_and_restart_without(tmp_path: Path) -> None:
    run = service_run(tmp_path)
    own = run.plan
    services = Services(run)

    def ask(action: Action) -> None:
        command = Command(action=action, services=("web",), port=5678, debugpy="/d")
        reply = asyncio.run(change(services, None, command, note=print, run=""))  # type: ignore[arg-type]
        assert reply.outcome is Outcome.DONE

    assert run.debug_port == 0
    ask(Action.DEBUG)
    ask(Action.DEBUG)
    assert (run.undebugged, run.debug_port) == (own, 5678)
    ask(Action.RESTART)
    assert (run.plan, run.undebugged, run.debug_port) == (own, None, 0)
    assert ["-m debugpy" in " ".join(argv) for argv in services.started] == [True, True, False]
    assert " ".join(services.started[1]).count("-m debugpy") == 1
    run.log.close()
    run.timeline.close()


@pytest.mark.parametrize(("is_debugged", "state"), [(False, "unhealthy"), (True, "ready")])
def test_a_service_that_stands_at_a_breakpoint_does_not_become_unhealthy(
    tmp_path: Path, is_debugged: bool, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(probe: object, timeout_s: float) -> Observation:
        return Observation(kind="hang", detail="no answer")

    async def watched() -> None:
        watching = asyncio.ensure_future(readiness.watch(run, object()))  # type: ignore[arg-type]
        await asyncio.wait({watching}, timeout=0.05)
        watching.cancel()

    monkeypatch.setattr("stack.health.probes.observe", hangs)
    run = service_run(tmp_path)
    run.state = "ready"
    if is_debugged:
        run.debug(replace(run.plan, argv=("debugpy",)))
    asyncio.run(watched())
    run.log.close()
    run.timeline.close()
    assert run.state == state


def test_what_an_editor_needs_is_added_to_its_file(tmp_path: Path) -> None:
    path = debug.write_launch_json(tmp_path, debug.vscode("web", 5678))
    debug.write_launch_json(tmp_path, debug.vscode("worker", 5679))
    debug.write_launch_json(tmp_path, debug.vscode("web", 7000))
    document = json.loads(path.read_text())
    assert [(each["name"], each["connect"]["port"]) for each in document["configurations"]] == [
        ("Attach to worker", 5679),
        ("Attach to web", 7000),
    ]


@pytest.mark.parametrize("text", ["// mine\n{}", "[]", '{"configurations": [7]}', "{}"])
def test_a_file_that_would_lose_something_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".vscode" / "launch.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(NotWritable, match="is not plain JSON") as caught:
        debug.write_launch_json(tmp_path, debug.vscode("web", 1))
    assert "paste what is printed" in caught.value.hint
    assert path.read_text() == text


def test_a_stack_of_containers_is_answered_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Containers:
        name, engine = "shop", "docker"

    monkeypatch.setattr(guardians, "require_running", lambda name: Containers)
    monkeypatch.setattr(Choice, "resolve_name", lambda choice: "shop")
    with pytest.raises(NotRunnable, match="shop is on docker") as caught:
        debug.run(Choice(), "web")
    assert "inv up --engine local" in caught.value.hint
