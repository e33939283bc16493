"""Commands that change services of a running stack: start, stop, restart, rebuild."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from stack.engines.protocol import Engine
from stack.guardian.supervisor import Supervisor
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
        not_ready = await _change(supervisor, engine, command.action, names, note)
    except Exception as error:
        logging.getLogger("stack").exception("%s", command)
        known = as_stack_error(error, run=run)
        return Reply(outcome=Outcome.FAILED, error=known.message, hint=known.hint, code=known.code)
    return Reply(outcome=Outcome.NOT_READY if not_ready else Outcome.DONE, services=not_ready)


async def _change(
    supervisor: Supervisor,
    engine: Engine,
    action: Action,
    names: Sequence[str],
    note: Callable[[str], None],
) -> tuple[str, ...]:
    """Stop, rebuild and start services, in start order; return those that did not become ready."""
    if action in {Action.RESTART, Action.REBUILD}:
        names = supervisor.with_dependents(names)
    if action is not Action.START:
        for name in reversed(names):
            await supervisor.stop(name)
    if action is Action.STOP:
        return ()
    if action is Action.START:
        names = [name for name in names if not supervisor.runs[name].is_running]
    if action is Action.REBUILD:
        await engine.refresh(list(names), note)
    return tuple(verdict.service for verdict in await supervisor.start(names) if not verdict.good)
