"""One stack of toys on one engine, driven by the same commands on every engine."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from parity.command import KIND
from stack.records import log_reader, timeline
from stack.records.timeline import Event
from stack.system import processes
from stack.system.directories import ROOT

TOYS = Path(__file__).parent / "toys"
SETTLED = frozenset(
    {"ready", "completed", "exited", "unhealthy", "timed out", "port taken", "dependency failed"}
)
PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


@dataclass(kw_only=True)
class ToyStack:
    """A work tree of its own with one compose file; ``home`` is its state folder."""

    engine: str
    folder: Path
    home: Path
    files: Sequence[str] = ()
    profiles: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"parity-{secrets.token_hex(4)}")

    def write(self, text: str, *, name: str = f"compose/docker-compose.{KIND}.yml") -> Path:
        """Write a file of the work tree."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, verb: str, *words: str, timeout_s: float = 120.0) -> CommandResult:
        """Run one command of `inv` for this stack."""
        process = subprocess.run(
            self.argv(verb, *words),
            env=self.environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
        )
        return CommandResult(code=process.returncode, out=process.stdout, err=process.stderr)

    def argv(self, verb: str, *words: str) -> list[str]:
        """Return the command line of a verb."""
        argv = [sys.executable, "-m", "parity.command", verb, *words]
        argv += ["--work-tree", str(self.folder), "--engine", self.engine]
        argv += [part for file in self.files for part in ("--file", str(self.folder / file))]
        return argv + [part for profile in self.profiles for part in ("--profile", profile)]

    def environment(self) -> dict[str, str]:
        """Return the environment of every command."""
        return {
            **os.environ,
            **self.variables,
            "STACK_NAME": self.name,
            "STACK_HOME": str(self.home),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        }

    def up(self, *words: str) -> CommandResult:
        """Bring the stack up; it may fail."""
        return self.run("up", *words)

    def require_up(self, *words: str) -> None:
        """Bring the stack up; fail where it does not come up."""
        answer = self.up(*words)
        assert answer.code == 0, f"{self.engine}: {answer.out}\n{answer.err}"

    def down(self, *words: str) -> CommandResult:
        return self.run("down", *words)

    def run_folder(self) -> Path:
        """Return the folder of the newest run."""
        return max((self.folder / ".stack" / "runs").iterdir(), key=lambda path: path.stat().st_ctime_ns)

    def token(self) -> str | None:
        """Return the token of the newest run's processes; None where none was launched."""
        requests = (self.folder / ".stack" / "runs").glob("*/request.json")
        newest = max(requests, key=lambda path: path.stat().st_ctime_ns, default=None)
        return None if newest is None else str(json.loads(newest.read_text())["token"])

    def events(self) -> list[Event]:
        """Return the events of services in the newest run."""
        return [event for event in timeline.read(self.run_folder()) if event.kind == "service"]

    def order(self, state: str) -> str:
        """Return the services in the order in which they reached ``state``."""
        return " ".join(event.service for event in self.events() if event.state == state)

    def history(self, service: str) -> str:
        """Return the states of one service in order, from its start; a repeated state counts once."""
        states = [e.state for e in self.events() if e.service == service]
        changes = (state for state, _ in itertools.groupby(states))
        return " > ".join(state for state in changes if state not in {"building", "waiting"})

    def verdict(self, service: str) -> str:
        """Return the last final state of a service, and how it ended."""
        settled = [e for e in self.events() if e.service == service and e.state in SETTLED]
        if not settled:
            return "none"
        reason = settled[-1].text if settled[-1].state in {"exited", "dependency failed"} else ""
        return f"{settled[-1].state}: {reason}".rstrip(": ")

    def seconds(self, service: str, state: str) -> float:
        """Return how many seconds after its start a service reached a state, the last time."""
        return [e.seconds for e in self.events() if e.service == service and e.state == state][-1]

    def log(self, service: str, *, once_it_ends: str = "") -> str:
        """Return the log of a service; wait until its last line begins with ``once_it_ends``."""
        if once_it_ends:
            self.wait(lambda: self.log(service).rpartition(" | ")[2].startswith(once_it_ends))
        return " | ".join(text for _, text in log_reader.read(self.run_folder(), service))

    def ports(self, service: str) -> dict[int, int]:
        """Return container port -> host port, from the state of the running stack."""
        state = json.loads((self.home / "stacks" / self.name / "state.json").read_text())
        return {int(target): port for target, port in state["ports"][service].items()}

    def get(self, service: str, path: str, *, port: int = 8000) -> str:
        """Send a request to a service from outside; return its body, or the name of the error."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports(service)[port], timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()

    def state(self, service: str) -> str:
        """Return the state that ``ps --format json`` prints."""
        rows = json.loads(self.run("ps").out or "[]")
        return next((row["state"] for row in rows if row["service"] == service), "absent")

    def wait(self, question: Callable[[], bool]) -> bool:
        """Wait until ``question()`` is true; return whether it was in time."""
        deadline = time.monotonic() + PATIENCE_S
        while not question():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def wait_for_state(self, service: str, state: str) -> bool:
        """Wait until a service's newest state is ``state``; return whether it was in time."""

        def newest() -> bool:
            return [e.state for e in self.events() if e.service == service][-1:] == [state]

        return self.wait(newest)

    def leftovers(self) -> str:
        """Return what the stack left behind: containers, networks, volumes, processes, state."""
        token = self.token()
        leftovers = [f"process {pid}" for pid in (processes.with_token(token) if token else ())]
        leftovers += [f"folder {path}" for path in (self.home / "stacks").glob(self.name)]
        if self.engine != "local":
            leftovers += containers_of(self.engine, self.name)
        return ", ".join(leftovers) or "nothing"


def containers_of(program: str, name: str) -> list[str]:
    """Return the containers, networks and volumes of a stack, by name."""
    listings = {
        "container": ["ps", "--all", "--format", "{{.Names}}"],
        "network": ["network", "ls", "--format", "{{.Name}}"],
        "volume": ["volume", "ls", "--format", "{{.Name}}"],
    }
    names = []
    for kind, words in listings.items():
        listed = subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout
        names += [f"{kind} {line}" for line in listed.split() if line.startswith(name)]
    return names
