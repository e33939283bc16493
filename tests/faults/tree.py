"""A work tree for one test, the stack in it, and what both leave behind."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from msgspec.structs import replace

from faults.settings import CHECK, CONTAINERS, ENGINE, PATIENCE_S
from stack.control import guardians, session
from stack.control.choice import Choice
from stack.control.guardians import GuardianProcess
from stack.records import folders, log_reader, state, timeline
from stack.records.timeline import Event
from stack.system import ports, programs
from stack.system.directories import ROOT, state_home

HERE = Path(__file__).parent
IGNORED = shutil.ignore_patterns("__pycache__")
CONFTEST = """
import os, pathlib, signal
def pytest_sessionstart():
    signal.signal(signal.SIGINT, interrupted)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
def interrupted(number, frame):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
def pytest_runtest_logstart(nodeid):
    pathlib.Path(os.environ["STACK_RUN"], "current-test").write_text(nodeid)
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended: its events, its logs, how long things took."""

    events: tuple[Event, ...]
    run: Path
    seconds: float

    def states(self, service: str) -> list[str]:
        return [e.state for e in self.events if e.kind == "service" and e.service == service]

    def event(self, service: str, verdict: str) -> Event:
        """Return the event of that verdict; fail, with all states, where there is none."""
        for event in self.events:
            if event.kind == "service" and (event.service, event.state) == (service, verdict):
                return event
        raise AssertionError(
            f"{service} was never {verdict!r}: {[(e.service, e.state, e.text) for e in self.events]}"
        )

    def log(self, service: str) -> str:
        return "\n".join(text for _, text in log_reader.read(self.run, service))


class Tree:
    """A work tree with a stack ``toy`` of misbehaving services."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "compose").mkdir(parents=True)
        self.program = folder / "service.py"
        shutil.copy(HERE / "service.py", self.program)

    def add_job(self, tests: str) -> None:
        """Add a copy of the engine and integration tests, so that the main job runs in this tree."""
        shutil.copytree(ROOT / "stack", self.folder / "stack", ignore=IGNORED)
        folder = self.folder / "integration_tests"
        folder.mkdir()
        shutil.copy(ROOT / "integration_tests" / "requirements.txt", folder)
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "test_toy.py").write_text(tests)

    def write(self, services: Mapping[str, str], **extra: Mapping[str, Any]) -> None:
        """Write the compose file: ``services`` maps names to behaviours, ``extra`` overrides keys."""
        written = {name: self._service(mode) | dict(extra.get(name, {})) for name, mode in services.items()}
        text = json.dumps({"name": "toy", "services": written}, indent=1)
        (self.folder / "compose" / "docker-compose.toy.yml").write_text(text)

    def _service(self, mode: str) -> dict[str, Any]:
        return {
            "image": "python:3.13-slim",
            "init": True,
            "command": ["python", "-u", "/faults/service.py", mode],
            "x-local": {"command": [sys.executable, "-u", str(self.program), mode]},
            "volumes": [f"{self.folder}:/faults:ro"],
            "ports": ["127.0.0.1::8000"],
            "stop_grace_period": "1s",
            "healthcheck": CHECK,
        }

    def choice(self) -> Choice:
        return Choice(kind="toy", engine=ENGINE, work_tree=self.folder)

    def port(self, service: str) -> int:
        """Wait until the stack's ports are known; return the host port of a service."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            for name in folders.names():
                saved = state.read(name)
                if saved is not None and service in saved.ports:
                    return saved.ports[service][8000]
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def kill(self, service: str) -> None:
        """Kill a service's first process."""
        saved = state.read(folders.names()[0])
        assert saved is not None
        if CONTAINERS:
            programs.run([ENGINE, "kill", f"{saved.name}-{service}-1"])
            return
        started = [e for e in timeline.read(Path(saved.run)) if (e.kind, e.service) == ("process", service)]
        os.kill(started[-1].pid, signal.SIGKILL)

    def ask(self, service: str, path: str) -> None:
        """Send a request to a service, which may end instead of responding."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(service), timeout=PATIENCE_S)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            connection.getresponse().read()

    def launch(self, *, deadline_s: float = 30.0) -> GuardianProcess:
        request = session.request(self.choice(), ephemeral=True, deadline_s=deadline_s)
        return guardians.launch(replace(request, name=request.name.replace("ecommerce-", "faults-")))

    def hold(self, *, until: Callable[[Event], bool] | None = None, deadline_s: float = 30.0) -> Outcome:
        """Run the stack until it is up, failed, or ``until`` is true; end it and wait for its end."""
        launched = self.launch(deadline_s=deadline_s)
        began = time.monotonic()
        events = []
        seconds = 0.0
        for event in events_of(launched):
            events.append(event)
            over = until(event) if until else event.kind == "stack" and event.state in {"up", "failed"}
            if over and not seconds:
                seconds = time.monotonic() - began
                launched.end()
        launched.end()
        launched.process.wait(PATIENCE_S)
        return Outcome(events=tuple(events), run=launched.run, seconds=seconds)

    def leftovers(self) -> list[str]:
        """Return everything that should be gone and is not."""
        leftovers = [f"process {p.pid}: {' '.join(p.info['cmdline'])}" for p in self.processes()]
        leftovers += [f"port lease {path.name}" for path in (state_home() / "ports").glob("[0-9]*")]
        leftovers += [f"state of {name}" for name in folders.names()]
        scratch = state.scratch("any").parent
        leftovers += [f"scratch {path}" for path in scratch.glob("*")]
        leftovers += [f"socket {path}" for path in folders.control_socket("any").parent.glob("*.sock")]
        leftovers += [f"port {port} is held" for port in self._ports() if not ports.is_free(port)]
        leftovers += [f"lock {path}" for path in self._locks() if _is_held(path)]
        if CONTAINERS:
            leftovers += self._containers()
        return leftovers

    def processes(self) -> Iterator[psutil.Process]:
        """Yield the living processes with this tree on their command line: services, guardians and others.

        Their command lines are in ``info``: they may end before they are asked again.
        """
        for process in psutil.process_iter(["cmdline", "status"]):
            is_ours = any(str(self.folder) in word for word in process.info["cmdline"] or ())
            if is_ours and process.info["status"] != psutil.STATUS_ZOMBIE:
                yield process

    def _containers(self) -> list[str]:
        leftovers = []
        for kind in (
            ["ps", "-a", "--format", "{{.Names}}"],
            *([word, "ls", "--format", "{{.Name}}"] for word in ("network", "volume")),
        ):
            listed = programs.run([ENGINE, *kind]).stdout.split()
            leftovers += [f"{kind[0]} {name}" for name in listed if name.startswith(self._names())]
        return leftovers

    def _names(self) -> tuple[str, ...]:
        """Return the names of all stacks that ever ran in this tree; the engine may run others, too."""
        return stacks_below(self.folder)

    def require_nothing_left(self) -> None:
        """Wait a moment for the kernel, then fail where anything is left behind."""
        deadline = time.monotonic() + PATIENCE_S / 4
        while (left := self.leftovers()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left, "left: " + "; ".join(left)

    def _ports(self) -> Iterator[int]:
        """Yield the host ports of all runs of this tree."""
        for plan in self.folder.glob(".stack/runs/*/plan.json"):
            for service in json.loads(plan.read_text())["services"].values():
                yield from service["ports"].values()

    def _locks(self) -> Iterator[Path]:
        yield state_home() / "ports" / "lock"
        yield from (state_home() / "locks").glob("*")


def events_of(launched: GuardianProcess) -> Iterator[Event]:
    """Return the events until the guardian has ended; fail where it does not end in time."""
    limit = time.monotonic() + PATIENCE_S

    def ended() -> bool:
        assert time.monotonic() < limit, f"no end: {timeline.read(launched.run)[-5:]}"
        return launched.process.poll() is not None

    return timeline.follow(launched.run, ended=ended)


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def remove_shared_folders() -> None:
    """Remove the folders that all stacks of one state share; each test has a state of its own."""
    for folder in (state.scratch("any").parent, folders.control_socket("any").parent):
        shutil.rmtree(folder, ignore_errors=True)


def stacks_below(folder: Path) -> tuple[str, ...]:
    """Return the names of all stacks that ever ran in a tree at ``folder`` or further down."""
    return tuple(json.loads(file.read_text())["name"] for file in folder.rglob(".stack/runs/*/request.json"))
