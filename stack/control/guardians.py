"""How commands speak with guardians: find one, launch it, follow it, ask it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stack.errors import GuardianLost, NotUp, StateUnreadable
from stack.records import state, timeline
from stack.records.request import KEEP, Request
from stack.records.state import StackState
from stack.records.timeline import Event
from stack.system import files, kernel, processes, programs
from stack.system.directories import ROOT


@dataclass(kw_only=True)
class Launched:
    """A guardian that this process started.

    ``lease`` is the writing end of its pipe, None once it is closed; ``detached``: the stack outlives us.
    """

    name: str
    run: Path
    process: programs.Process
    lease: int | None
    detached: bool = False

    def events(self) -> Iterator[Event]:
        """Return what happens, until the guardian has ended."""
        return timeline.follow(self.run, ended=lambda: self.process.poll() is not None)

    def end(self) -> None:
        """Close the lease: the guardian of a stack that is not detached takes it down."""
        if self.lease is not None:
            with contextlib.suppress(OSError):
                os.close(self.lease)
            self.lease = None

    def detach(self) -> None:
        """Let the stack outlive this process."""
        self.detached = True
        if self.lease is not None:
            with contextlib.suppress(OSError):
                os.write(self.lease, KEEP)
        self.end()

    def hurry(self) -> None:
        """End the stack quickly, detached or not: the second SIGTERM cuts every grace period short."""
        self.detached = False
        self.end()
        kept = state.read(self.name)
        for _ in range(2):
            if kept is not None and processes.is_alive(kept.pid, kept.pid_started):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(kept.pid, signal.SIGTERM)


def launch(request: Request) -> Launched:
    """Start the guardian of a stack, which ends when this process does, unless it is detached."""
    request = replace(request, token=secrets.token_hex(8))
    run = Path(request.run)
    file = run / "request.json"
    files.write_atomically(file, json.dumps(asdict(request)))
    reading, writing = os.pipe()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), processes.TOKEN: request.token}
    # Podman's conmon stays behind as its parent; in a namespace it would end with the guardian's.
    prefix = () if request.engine == "podman" else kernel.namespace_prefix()
    argv = [*prefix, sys.executable, "-m", "stack.guardian", str(file)]
    with (run / "guardian.log").open("ab") as output:
        process = programs.spawn(
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
    """Ask the guardian of ``name`` and return what it says.

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


def alive(name: str) -> StackState | None:
    """Return the state of the stack where its guardian lives."""
    kept = state.read(name)
    if kept is not None and processes.is_alive(kept.pid, kept.pid_started):
        return kept
    return None


def not_up(name: str) -> NotUp:
    """Return the error of a stack that was meant and is not up; its hint names those that are."""
    others = [other for other in state.names() if other != name and _lives(other)]
    instead = f", or name one that is up: `--stack {'`, `--stack '.join(others)}`" if others else ""
    return NotUp(f"The stack {name} is not up.", hint=f"Start it with `inv up`{instead}.")


def _lives(name: str) -> bool:
    with contextlib.suppress(StateUnreadable):
        return alive(name) is not None
    return False


def require_running(name: str) -> StackState:
    """Return the living stack of that name.

    Raises:
        NotUp: there is none.
    """
    kept = alive(name)
    if kept is None:
        raise not_up(name)
    return kept


def running_stacks() -> Iterator[StackState]:
    """Return every living stack of this machine that this user may see."""
    for name in state.names():
        kept = alive(name)
        if kept is not None:
            yield kept
