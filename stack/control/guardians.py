"""How commands reach guardians: find one, launch it, follow it, send it a command."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from stack.errors import GuardianLost, NotUp, StackError, StateUnreadable
from stack.records import folders, state, timeline
from stack.records import request as requests
from stack.records.control import Command, Reply
from stack.records.request import KEEP, Request
from stack.records.state import StackState
from stack.records.timeline import Event
from stack.system import processes
from stack.system.directories import ROOT

if TYPE_CHECKING:
    from stack.system import programs


class ReportedError(StackError):
    """An error that a guardian reports, with the exit code of its kind."""

    def __init__(self, message: str, *, hint: str, code: int) -> None:
        super().__init__(message, hint=hint)
        self.code = code or 1  # type: ignore[misc]


@dataclass(kw_only=True)
class GuardianProcess:
    """The guardian of a stack, started by this process.

    ``lease`` is the writing end of its pipe, None once it is closed; ``detached``: the stack outlives us.
    """

    name: str
    run: Path
    process: programs.Process
    lease: int | None
    detached: bool = False

    def events(self, *, silence_s: float = float("inf")) -> Iterator[Event]:
        """Return the events of the run until the guardian has ended, or writes nothing for ``silence_s``."""
        last = time.monotonic()

        def over() -> bool:
            return self.process.poll() is not None or time.monotonic() - last > silence_s

        for event in timeline.follow(self.run, ended=over):
            last = time.monotonic()
            yield event

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

    def end_quickly(self) -> None:
        """End the stack quickly, detached or not: the second SIGTERM cuts every grace period short."""
        self.detached = False
        self.end()
        stack = state.read(self.name)
        for _ in range(2):
            if stack is not None and processes.is_alive(stack.pid, stack.pid_started):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(stack.pid, signal.SIGTERM)


def launch(request: Request) -> GuardianProcess:
    """Start the guardian of a stack, which ends when this process does, unless it is detached."""
    from stack.system import kernel, programs  # only what starts a stack needs them

    request = replace(request, token=secrets.token_hex(8))
    run = Path(request.run)
    file = requests.write(request)
    reading, writing = os.pipe()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), processes.TOKEN: request.token}
    # Podman's conmon outlives the commands that start it; in a namespace it would end with the guardian.
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
    return GuardianProcess(name=request.name, run=run, process=process, lease=writing)


def ask(name: str, command: Command, *, timeout_s: float = 180.0) -> Reply:
    """Send a command to the guardian of the stack ``name`` and return its reply.

    Raises:
        NotUp: there is no such stack, or its guardian does not listen yet.
        GuardianLost: it ended without a reply, or does not reply within ``timeout_s``.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(folders.control_socket(name)))
        except OSError as error:
            raise not_up(name) from error
        try:
            connection.sendall(msgspec.json.encode(command) + b"\n")
            reply = connection.makefile("rb").readline()
        except OSError as error:
            raise GuardianLost(
                f"The guardian of {name} does not reply ({error}).", hint="See `inv ps` and `inv logs`."
            ) from error
    if not reply:
        raise GuardianLost(f"The guardian of {name} ended without a reply.", hint="Run `inv ps`.")
    return msgspec.json.decode(reply, type=Reply)


def alive(name: str) -> StackState | None:
    """Return the state of the stack ``name``, None where its guardian does not run."""
    stack = state.read(name)
    if stack is not None and processes.is_alive(stack.pid, stack.pid_started):
        return stack
    return None


def not_up(name: str) -> NotUp:
    """Return the error of a stack that is not up; its hint names those that are."""
    others = [other for other in folders.names() if other != name and _is_alive(other)]
    instead = f", or name one that is up: `--stack {'`, `--stack '.join(others)}`" if others else ""
    return NotUp(f"The stack {name} is not up.", hint=f"Start it with `inv up`{instead}.")


def _is_alive(name: str) -> bool:
    with contextlib.suppress(StateUnreadable):
        return alive(name) is not None
    return False


def require_running(name: str) -> StackState:
    """Return the state of the running stack ``name``.

    Raises:
        NotUp: it does not run.
    """
    stack = alive(name)
    if stack is None:
        raise not_up(name)
    return stack


def running_stacks() -> Iterator[StackState]:
    """Return every running stack of this account; those of another version are left out."""
    for name in folders.names():
        with contextlib.suppress(StateUnreadable):
            stack = alive(name)
            if stack is not None:
                yield stack
