"""`inv health`"""

from __future__ import annotations

import asyncio
import time

from stack.control import guardians
from stack.control.choice import Choice
from stack.display import messages, tables
from stack.health import checks, probes
from stack.plan.plan import Plan
from stack.records import plans
from stack.records.state import StackState
from stack.system import programs


def ask_all(made: Plan, kept: StackState) -> list[dict[str, str]]:
    """Return what each service's health check says now."""

    async def ask() -> list[dict[str, str]]:
        return list(await asyncio.gather(*(_ask(made, kept, name) for name in made.services)))

    return asyncio.run(ask())


async def _ask(made: Plan, kept: StackState, name: str) -> dict[str, str]:
    service = made.services[name]

    async def execute(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        words = (
            [kept.engine, "exec", f"{kept.name}-{name}-1", *argv] if kept.engine != "local" else list(argv)
        )
        done = await asyncio.to_thread(programs.run, words, timeout_s=timeout_s, check=False)
        return done.returncode, done.stdout or done.stderr

    probe = checks.choose(service, execute)
    if probe is None:
        return {"service": name, "health": "-", "answer": "has no health check", "ms": ""}
    began = time.monotonic()
    seen = await probes.observe(probe, 5.0)
    took_ms = f"{(time.monotonic() - began) * 1000:.0f}"
    return {"service": name, "health": seen.kind, "answer": seen.detail[:80], "ms": took_ms}


def run(choice: Choice) -> int:
    """Ask every service now and say what it answers; 1 where one is not well."""
    kept = guardians.require_running(choice.resolve_name())
    rows = ask_all(plans.read(kept.name), kept)
    messages.say(tables.table(rows, ["service", "health", "answer", "ms"]))
    return 0 if all(row["health"] in {"ok", "-"} for row in rows) else 1
