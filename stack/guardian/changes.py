"""Commands that change services of a running stack: start, stop, restart, rebuild, debug."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from stack.engines.protocol import Engine
from stack.guardian.supervisor import Supervisor
from stack.plan import debugging
from stack.records.control import Action, Command, Outcome, Reply
from stack.system.disk_space import as_stack_error


async def change(
    supervisor: Supervisor, engine: Engine, command: Command, *, note: Callable[[str], None], run: str
) -> Reply:
    """Do what ``command`` asks for and return the reply; an error is part of it."""
    unknown = tuple(name for name in command.services if name not in supervisor.runs)
    if unknown:
        return Reply(outcome=Outcome.UNKNOWN_SERVICE, services=unknown)
    names = [name for name in supervisor.runs if name in command.services]
    try:
        not_ready = await _change(supervisor, engine, command, names, note)
    except Exception as error:
        logging.getLogger("stack").exception("%s", command)
        known = as_stack_error(error, run=run)
        return Reply(outcome=Outcome.FAILED, error=known.message, hint=known.hint, code=known.code)
    return Reply(outcome=Outcome.NOT_READY if not_ready else Outcome.DONE, services=not_ready)


async def _change(
    supervisor: Supervisor,
    engine: Engine,
    command: Command,
    names: Sequence[str],
    note: Callable[[str], None],
) -> tuple[str, ...]:
    """Stop, rebuild and start services, in start order; return those that did not become ready."""
    action = command.action
    if action in {Action.RESTART, Action.REBUILD}:
        names = supervisor.with_dependents(names)
    if action is not Action.START:
        for name in reversed(names):
            await supervisor.stop(name)
    if action is Action.STOP:
        return ()
    if action is Action.START:
        names = [name for name in names if not supervisor.runs[name].is_running]
    for name in names:
        run = supervisor.runs[name]
        own = run.undebugged or run.plan
        run.debug(
            debugging.debugged(own, port=command.port, debugpy=Path(command.debugpy))
            if action is Action.DEBUG
            else None
        )
    if action is Action.REBUILD:
        await engine.refresh(list(names), note)
    return tuple(verdict.service for verdict in await supervisor.start(names) if not verdict.good)
