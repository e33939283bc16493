"""How commands speak with guardians: launch one, follow it, ask it, end it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stack import commands, journal, kernel, processes, state
from stack.errors import GuardianLost, NotUp, StackError, StateUnreadable
from stack.journal import Event
from stack.request import KEEP, Request
from stack.state import StackState

ROOT = Path(__file__).resolve().parent.parent
RUNS_KEPT = 20
END_LIMIT_S = 30.0


@dataclass(kw_only=True)
class Launched:
    """A guardian that we started. ``lease`` is the writing end of its pipe, None once it is given up."""

    name: str
    run: Path
    process: commands.Process
    lease: int | None

    def events(self) -> Iterator[Event]:
        """Answer what happens, until the guardian has ended."""
        return journal.follow(self.run, ended=lambda: self.process.poll() is not None)

    def end(self) -> None:
        """Give the lease up: the guardian takes the stack down."""
        if self.lease is not None:
            with contextlib.suppress(OSError):
                os.close(self.lease)
            self.lease = None

    def keep(self) -> None:
        """Let the stack live without us from now on."""
        if self.lease is not None:
            with contextlib.suppress(OSError):
                os.write(self.lease, KEEP)
        self.end()

    def hurry(self) -> None:
        """Ask for the quick end: the second request cuts every grace short."""
        self.end()
        kept = state.read(self.name)
        for _ in range(2):
            if kept is not None and processes.is_alive(kept.pid, kept.pid_started):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(kept.pid, signal.SIGTERM)


def new_run(work_tree: Path, name: str, *, clock: Callable[[], float] = time.time) -> Path:
    """Make the folder of a new run; only the last runs are kept."""
    runs = work_tree / ".stack" / "runs"
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(clock()))
    run = runs / f"{stamp}-{name}"
    while run.exists():
        run = runs / f"{stamp}-{name}-{secrets.token_hex(2)}"
    run.mkdir(parents=True, mode=0o700)
    living = {kept.run for kept in _readable()}
    old = sorted(path for path in runs.iterdir() if path.is_dir() and str(path) not in living and path != run)
    for path in old[: -(RUNS_KEPT - 1)]:
        shutil.rmtree(path, ignore_errors=True)
    return run


def launch(request: Request) -> Launched:
    """Start the guardian of a stack, which ends when we do, unless we ``keep`` it."""
    request = replace(request, token=secrets.token_hex(8))
    run = Path(request.run)
    file = run / "request.json"
    state.write_atomically(file, json.dumps(asdict(request)))
    reading, writing = os.pipe()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), processes.TOKEN: request.token}
    # Podman's conmon stays behind as its parent; in a namespace it would end with the guardian's.
    prefix = () if request.engine == "podman" else kernel.namespace_prefix()
    argv = [*prefix, sys.executable, "-m", "stack.guardian", str(file)]
    with (run / "guardian.log").open("ab") as output:
        process = commands.spawn(
            [*argv, str(reading)],
            cwd=Path("/"),
            env=environment,
            output=output.fileno(),
            pass_fds=[reading],
            own_session=True,
        )
    os.close(reading)
    return Launched(name=request.name, run=run, process=process, lease=writing)


def ask(name: str, verb: str, services: list[str], *, timeout_s: float = 180.0) -> dict[str, Any]:
    """Ask the guardian of ``name`` and answer what it says.

    Raises:
        NotUp: there is no such stack, or it is not ready to be asked.
        GuardianLost: it ended without an answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(state.control_socket(name)))
        except OSError as error:
            raise not_up(name) from error
        connection.sendall(json.dumps({"verb": verb, "services": services}).encode() + b"\n")
        answer = connection.makefile().readline()
    if not answer:
        raise GuardianLost(f"The guardian of {name} ended without an answer.", hint="Run `inv ps`.")
    answered: dict[str, Any] = json.loads(answer)
    return answered


def end(kept: StackState, *, volumes: bool = False, timeout_s: float = END_LIMIT_S) -> None:
    """End a stack and wait until it is gone; what its guardian does not end in time is ended by us."""
    try:
        ask(kept.name, "down", ["volumes"] if volumes else [], timeout_s=5.0)
    except (NotUp, GuardianLost, TimeoutError):
        if processes.is_alive(kept.pid, kept.pid_started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(kept.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    while processes.is_alive(kept.pid, kept.pid_started) and time.monotonic() < deadline:
        time.sleep(journal.POLL_S)
    if state.state_file(kept.name).exists():
        clean_up(kept)
    if volumes:
        state.forget(kept.name, volumes=True)


def clean_up(kept: StackState) -> None:
    """End and remove all that a stack without a living guardian has left."""
    from stack import engines, ports

    if processes.is_alive(kept.pid, kept.pid_started):
        with contextlib.suppress(ProcessLookupError):
            os.kill(kept.pid, signal.SIGKILL)
    processes.end(processes.with_token(kept.token) + _recorded(kept))
    if kept.engine != "local":
        engines.remove_leftovers(kept.engine, kept.name, volumes=kept.ephemeral)
    ports.release(kept.name)
    state.forget(kept.name, volumes=kept.ephemeral)


def _recorded(kept: StackState) -> list[int]:
    """Answer the services' first processes that still live; some hide their token by renaming themselves."""
    noted = [event for event in journal.read(Path(kept.run)) if event.kind == "process"]
    return [event.pid for event in noted if processes.is_alive(event.pid, event.started)]


def sweep() -> list[str]:
    """Clean up after every guardian that is gone; answers one sentence for each."""
    said = []
    for name in state.names():
        try:
            kept = state.read(name)
        except (OSError, StackError) as error:
            path = state.state_file(name)
            path.replace(path.with_suffix(".damaged"))
            said.append(f"set aside the state of {name}: {error}")
            continue
        if kept is not None and not processes.is_alive(kept.pid, kept.pid_started):
            clean_up(kept)
            said.append(f"cleaned up after {name}, whose guardian was killed")
    return said


def alive(name: str) -> StackState | None:
    """Answer the state of the stack where its guardian lives."""
    kept = state.read(name)
    if kept is not None and processes.is_alive(kept.pid, kept.pid_started):
        return kept
    return None


def not_up(name: str) -> NotUp:
    """Answer the error of a stack that was meant and is not up; its hint names those that are."""
    others = [other for other in state.names() if other != name and _lives(other)]
    instead = f", or name one that is up: `--stack {'`, `--stack '.join(others)}`" if others else ""
    return NotUp(f"The stack {name} is not up.", hint=f"Start it with `inv up`{instead}.")


def _lives(name: str) -> bool:
    with contextlib.suppress(StateUnreadable):
        return alive(name) is not None
    return False


def _readable() -> list[StackState]:
    found = []
    for name in state.names():
        with contextlib.suppress(Exception):
            kept = state.read(name)
            if kept is not None:
                found.append(kept)
    return found
