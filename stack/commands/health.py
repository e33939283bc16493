"""`inv health`: run the health checks of a stack's services."""

from __future__ import annotations

import asyncio
import time
from typing import NoReturn

from stack.control import guardians, local_place, places
from stack.control.choice import Choice
from stack.display import messages, tables
from stack.engines.container import resources
from stack.errors import NotUp
from stack.health import checks, probes
from stack.health.probes import CommandProbe, Observation, Probe
from stack.plan.plan import Plan, ServicePlan
from stack.records import plans
from stack.records.state import StackState
from stack.system import async_programs

COLUMNS = ("service", "health", "answer", "ms")
PROBE_TIMEOUT_S = 5.0
ANSWER_SHOWN = 160


def run(choice: Choice, *, as_json: bool = False) -> int:
    """Print the result of every service's health check; return 1 where one fails."""
    stack = guardians.require_running(choice.resolve_name())
    rows = check_all(plans.read(stack.name), stack)
    messages.say(tables.render(rows, COLUMNS, as_json=as_json))
    return 0 if all(row["health"] in {"ok", "-"} for row in rows) else 1


def check_all(plan: Plan, stack: StackState) -> list[dict[str, str]]:
    """Return the result of every service's health check, all asked at once."""

    probing = {name: _probe(service, stack) for name, service in plan.services.items()}

    async def check() -> list[dict[str, str]]:
        return list(await asyncio.gather(*(_check(name, probe) for name, probe in probing.items())))

    return asyncio.run(check())


def _probe(plan: ServicePlan, stack: StackState) -> Probe | None:
    async def execute(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        words, env = list(argv), None
        if stack.engine == "local":
            place = local_place.of_service(plan, stack)
            words, env = place.inside(argv), place.environment
        else:
            words = [stack.engine, "exec", resources.container_of(stack.name, plan.name), *argv]
        done = await async_programs.run(words, env=env, timeout_s=timeout_s, check=False)
        return done.returncode, done.stdout + done.stderr

    async def refuse(host: str, port: int) -> NoReturn:
        raise ConnectionRefusedError

    try:
        return checks.choose(plan, execute, places.connect_of(stack, plan))
    except NotUp:
        return checks.choose(plan, execute, refuse)


async def _check(name: str, probe: Probe | None) -> dict[str, str]:
    if probe is None:
        return {"service": name, "health": "-", "answer": "no health check", "ms": ""}
    began = time.monotonic()
    observation = await probes.observe(probe, PROBE_TIMEOUT_S)
    took_ms = f"{(time.monotonic() - began) * 1000:.0f}"
    return {"service": name, "health": observation.kind, "answer": _answer(probe, observation), "ms": took_ms}


def _answer(probe: Probe, observation: Observation) -> str:
    """Return what was seen; the command of an executed check, which is long, is left out."""
    detail = observation.detail
    if isinstance(probe, CommandProbe):
        detail = detail.removeprefix(f"{probe.question}: ")
    return detail[:ANSWER_SHOWN]
