"""End a stack; clean up after stacks whose guardian was killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from stack.control import guardians
from stack.errors import EngineUnavailable, GuardianLost, NotUp, StackError
from stack.records import folders, state, timeline, written_copies
from stack.records.control import Action, Command
from stack.records.state import StackState
from stack.system import control_groups, processes

END_LIMIT_S = 30.0
"""How long a stack may take to end besides the time that its services have for it."""


def end_limit_s(name: str) -> float:
    """Return how long a stack may take to end; its plan says it, which goes with it."""
    from stack.records import plans  # sweeps, which every command does, need none

    try:
        return END_LIMIT_S + plans.read(name).grace_s()
    except (StackError, OSError):
        return END_LIMIT_S


def end(stack: StackState, *, volumes: bool = False) -> None:
    """End a stack and wait until it is gone; clean up where its guardian does not do so in time.

    Raises:
        EngineUnavailable: the engine does not answer; what it runs goes on, and its volumes stay.
    """
    deadline = time.monotonic() + end_limit_s(stack.name)
    is_told = _tell_to_end(stack, volumes=volumes)
    while processes.is_alive(stack.pid, stack.pid_started) and time.monotonic() < deadline:
        time.sleep(timeline.POLL_S)
    if folders.state_file(stack.name).exists():
        clean_up(stack)
        is_told = False
    if volumes:
        _delete_volumes(stack, of_engine=not is_told)


def _tell_to_end(stack: StackState, *, volumes: bool) -> bool:
    """Tell a guardian to end its stack; return whether it knows what is to become of the volumes."""
    try:
        guardians.ask(stack.name, Command(action=Action.DOWN, volumes=volumes), timeout_s=5.0)
    except (NotUp, GuardianLost):
        if processes.is_alive(stack.pid, stack.pid_started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(stack.pid, signal.SIGTERM)
        return False
    return True


def _delete_volumes(stack: StackState, *, of_engine: bool) -> None:
    """Delete the volumes in the stack's folder and, where its guardian did not, those of its engine."""
    if of_engine and stack.engine != "local":
        from stack.engines import registry

        registry.remove_leftovers(stack.engine, stack.name, volumes=True)
    state.forget(stack.name, volumes=True)


def clean_up(stack: StackState) -> None:
    """Remove the processes, containers, port leases and state of a stack whose guardian does not run.

    Raises:
        EngineUnavailable: the engine does not answer; what it runs goes on.
    """
    from stack.engines import registry
    from stack.records import port_leases

    if processes.is_alive(stack.pid, stack.pid_started):
        with contextlib.suppress(ProcessLookupError):
            os.kill(stack.pid, signal.SIGKILL)
    processes.end_processes(processes.with_token(stack.token) + _recorded(stack))
    if stack.engine != "local":
        registry.remove_leftovers(stack.engine, stack.name, volumes=stack.ephemeral)
    port_leases.release(stack.name)
    written_copies.remove(folders.of_stack(stack.name))
    state.forget(stack.name, volumes=stack.ephemeral)


def _recorded(stack: StackState) -> list[int]:
    """Return the services' first processes that still run; a process title can hide the token of some."""
    recorded = [event for event in timeline.read(Path(stack.run)) if event.kind == "process"]
    return [event.pid for event in recorded if processes.is_alive(event.pid, event.started)]


def sweep() -> list[str]:
    """Clean up after every stack whose guardian does not run; return one sentence for each."""
    sentences = []
    control_groups.remove_abandoned()
    for name in folders.names():
        try:
            stack = state.read(name)
        except (OSError, StackError) as error:
            guardian = state.guardian_of(name)
            if guardian is not None and processes.is_alive(*guardian):
                continue  # a stack of another version of this project, in another work tree
            path = folders.state_file(name)
            if path.stat().st_uid != os.geteuid():
                continue  # another account's, which cleans up itself
            path.replace(path.with_suffix(".damaged"))
            sentences.append(f"set aside the state of {name}: {error}")
            continue
        if stack is not None and not processes.is_alive(stack.pid, stack.pid_started):
            sentences.append(_clean_up_or_say(stack))
        elif folders.exchange_journal(name).exists() and (sentence := _heal(name)) is not None:
            sentences.append(sentence)
    return sentences


def _clean_up_or_say(stack: StackState) -> str:
    """Clean up after a stack; where its engine does not answer, whatever else was typed goes on."""
    try:
        clean_up(stack)
    except EngineUnavailable as reason:
        return f"could not clean up after {stack.name}: {reason}"
    happened = "engine did not answer when it was ended" if stack.phase == "left" else "guardian was killed"
    return f"cleaned up after {stack.name}, whose {happened}"


def _heal(name: str) -> str | None:
    """End an exchange of databases whose command was killed; imported only then, as every command sweeps."""
    from stack.data import journal

    return journal.heal_abandoned(name)
