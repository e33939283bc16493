"""What stacks use and how they are: processes, memory, answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stack import commands, idioms, journal, probes, processes, report, stacks
from stack.errors import CommandFailed
from stack.plan import Plan
from stack.state import StackState

if TYPE_CHECKING:
    import psutil


def stack_row(kept: StackState) -> dict[str, str]:
    """Answer one living stack as a row."""
    statuses = stacks.status(kept)
    well = sum(item.state in {"ready", "completed"} for item in statuses)
    return {
        "name": kept.name,
        "engine": kept.engine,
        "work_tree": kept.work_tree,
        "age": report.age(stacks.elapsed(kept.created)),
        "health": kept.phase if kept.phase != "up" else f"{well}/{len(statuses)} ready",
        "memory": report.bytes_in_words(memory_bytes(kept)),
        "ports": ", ".join(f"{s}:{p}" for s, table in kept.ports.items() for p in table.values()),
    }


def memory_bytes(kept: StackState) -> int:
    """Answer the resident memory of all services of a stack; pages that processes share count once each."""
    import psutil

    total = 0
    for process in (p for group in _processes(kept).values() for p in group):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def service_rows(kept: StackState) -> list[dict[str, str]]:
    """Answer processes, processor share and memory of each service."""
    if kept.engine != "local":
        return _container_rows(kept)
    import psutil

    groups = _processes(kept)
    for process in (p for group in groups.values() for p in group):
        with contextlib.suppress(psutil.Error):
            process.cpu_percent()
    time.sleep(0.2)  # a processor share is a difference over time
    return [_row(name, group) for name, group in groups.items()]


def _processes(kept: StackState) -> dict[str, list[psutil.Process]]:
    """Each service's first process, as the guardian noted it, and all that came from it."""
    import psutil

    groups: dict[str, list[psutil.Process]] = {name: [] for name in kept.ports}
    for event in journal.read(Path(kept.run)):
        if event.kind == "process" and processes.is_alive(event.pid, event.started):
            with contextlib.suppress(psutil.Error):
                first = psutil.Process(event.pid)
                groups[event.service] = [first, *first.children(recursive=True)]
    return groups


def _row(name: str, group: list[Any]) -> dict[str, str]:
    import psutil

    share, memory = 0.0, 0
    for process in group:
        with contextlib.suppress(psutil.Error):
            share += process.cpu_percent()
            memory += process.memory_info().rss
    return {
        "service": name,
        "processes": str(len(group)),
        "cpu": f"{share:.0f}%",
        "memory": report.bytes_in_words(memory),
    }


def _container_rows(kept: StackState) -> list[dict[str, str]]:
    names = [f"{kept.name}-{service}-1" for service in kept.ports]
    try:
        done = commands.run([kept.engine, "stats", "--no-stream", "--format", "json", *names], timeout_s=30)
    except CommandFailed:
        return []
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    return [
        {
            "service": row["Name"].removeprefix(f"{kept.name}-").removesuffix("-1"),
            "processes": row["PIDs"],
            "cpu": row["CPUPerc"],
            "memory": row["MemUsage"].split("/")[0].strip(),
        }
        for row in rows
    ]


def ask_all(made: Plan, kept: StackState) -> list[dict[str, str]]:
    """Answer what each service's health check says now."""

    async def ask() -> list[dict[str, str]]:
        return list(await asyncio.gather(*(_ask(made, kept, name) for name in made.services)))

    return asyncio.run(ask())


async def _ask(made: Plan, kept: StackState, name: str) -> dict[str, str]:
    service = made.services[name]

    async def execute(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        words = (
            [kept.engine, "exec", f"{kept.name}-{name}-1", *argv] if kept.engine != "local" else list(argv)
        )
        done = await asyncio.to_thread(commands.run, words, timeout_s=timeout_s, check=False)
        return done.returncode, done.stdout or done.stderr

    probe = idioms.choose(service, execute)
    if probe is None:
        return {"service": name, "health": "-", "answer": "has no health check", "ms": ""}
    began = time.monotonic()
    seen = await probes.observe(probe, 5.0)
    took_ms = f"{(time.monotonic() - began) * 1000:.0f}"
    return {"service": name, "health": seen.kind, "answer": seen.detail[:80], "ms": took_ms}
