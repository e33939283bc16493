"""`inv redis-cli`: open redis-cli on a stack's Redis."""

from __future__ import annotations

import shutil

from stack.commands import exec, options, redis_session
from stack.control import guardians, plans
from stack.control.choice import Choice
from stack.display import messages
from stack.plan import images
from stack.plan.plan import LOOPBACK
from stack.records import plans as stored_plans
from stack.system import programs


def run(choice: Choice, command: str, *, service: str = "") -> int:
    """Open redis-cli, or run one Redis command; return the exit code.

    On the local engine a small client of our own is used where none is installed.
    """
    stack = guardians.require_running(choice.resolve_name())
    planned = plans.service_of_kind(stored_plans.read(stack.name), "redis", service)
    words = options.words(command) if command else []
    if stack.engine != "local":
        return programs.attach(exec.container_argv(stack, planned.name, ["redis-cli", *words], fresh=False))
    port = planned.host_port(images.PORTS["redis"]) or 0
    program = shutil.which("redis-cli") or shutil.which("valkey-cli")
    if program is not None:
        return programs.attach([program, "-h", LOOPBACK, "-p", str(port), *words])
    with redis_session.RedisSession(LOOPBACK, port) as session:
        if words:
            return redis_session.run_command(session, words, messages.say)
        return redis_session.interact(session, messages.say)
