"""`inv health`: run the health checks of a stack's services."""

from __future__ import annotations

import asyncio
import time

from stack.control import guardians
from stack.control.choice import Choice
from stack.display import messages, tables
from stack.engines.container import resources
from stack.health import checks, probes
from stack.plan.plan import Plan
from stack.records import plans
from stack.records.state import StackState
from stack.system import programs

COLUMNS = ("service", "health", "answer", "ms")
PROBE_TIMEOUT_S = 5.0


def run(choice: Choice, *, as_json: bool = False) -> int:
    """Print the result of every service's health check; return 1 where one fails."""
    stack = guardians.require_running(choice.resolve_name())
    rows = check_all(plans.read(stack.name), stack)
    messages.say(tables.render(rows, COLUMNS, as_json=as_json))
    return 0 if all(row["health"] in {"ok", "-"} for row in rows) else 1


def check_all(plan: Plan, stack: StackState) -> list[dict[str, str]]:
    """Return the result of every service's health check, all asked at once."""

    async def check() -> list[dict[str, str]]:
        return list(await asyncio.gather(*(_check(plan, stack, name) for name in plan.services)))

    return asyncio.run(check())


async def _check(plan: Plan, stack: StackState, name: str) -> dict[str, str]:
    async def execute(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        words = list(argv)
        if stack.engine != "local":
            words = [stack.engine, "exec", resources.container_of(stack.name, name), *argv]
        done = await asyncio.to_thread(programs.run, words, timeout_s=timeout_s, check=False)
        return done.returncode, done.stdout + done.stderr

    probe = checks.choose(plan.services[name], execute)
    if probe is None:
        return {"service": name, "health": "-", "answer": "no health check", "ms": ""}
    began = time.monotonic()
    observation = await probes.observe(probe, PROBE_TIMEOUT_S)
    took_ms = f"{(time.monotonic() - began) * 1000:.0f}"
    return {"service": name, "health": observation.kind, "answer": observation.detail[:80], "ms": took_ms}
