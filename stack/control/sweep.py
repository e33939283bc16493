"""End a stack, and clean up after one whose guardian was killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from stack.control import guardians
from stack.data import exchange
from stack.errors import GuardianLost, NotUp, StackError
from stack.records import state, timeline
from stack.records.state import StackState
from stack.system import processes

END_LIMIT_S = 30.0


def end(kept: StackState, *, volumes: bool = False, timeout_s: float = END_LIMIT_S) -> None:
    """End a stack and wait until it is gone; what its guardian does not end in time is ended by us."""
    try:
        guardians.ask(kept.name, "down", ["volumes"] if volumes else [], timeout_s=5.0)
    except (NotUp, GuardianLost, TimeoutError):
        if processes.is_alive(kept.pid, kept.pid_started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(kept.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    while processes.is_alive(kept.pid, kept.pid_started) and time.monotonic() < deadline:
        time.sleep(timeline.POLL_S)
    if state.state_file(kept.name).exists():
        clean_up(kept)
    if volumes:
        state.forget(kept.name, volumes=True)


def clean_up(kept: StackState) -> None:
    """End and remove all that a stack without a living guardian has left."""
    from stack.engines import registry
    from stack.records import port_leases

    if processes.is_alive(kept.pid, kept.pid_started):
        with contextlib.suppress(ProcessLookupError):
            os.kill(kept.pid, signal.SIGKILL)
    processes.end_processes(processes.with_token(kept.token) + _recorded(kept))
    if kept.engine != "local":
        registry.remove_leftovers(kept.engine, kept.name, volumes=kept.ephemeral)
    port_leases.release(kept.name)
    state.forget(kept.name, volumes=kept.ephemeral)


def _recorded(kept: StackState) -> list[int]:
    """Return the services' first processes that still live; some hide their token by renaming themselves."""
    noted = [event for event in timeline.read(Path(kept.run)) if event.kind == "process"]
    return [event.pid for event in noted if processes.is_alive(event.pid, event.started)]


def sweep() -> list[str]:
    """Clean up after every guardian that is gone; return one sentence for each."""
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
        elif kept is not None and (sentence := exchange.heal_abandoned(name)) is not None:
            said.append(sentence)
    return said
