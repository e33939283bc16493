"""`inv stats`: show each service's processor and memory use."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stack.control import guardians
from stack.control.choice import Choice
from stack.display import messages, tables
from stack.engines.container import resources
from stack.errors import CommandFailed
from stack.records import timeline
from stack.records.state import StackState
from stack.system import processes, programs

if TYPE_CHECKING:
    import psutil

COLUMNS = ("service", "processes", "cpu", "memory")
CPU_INTERVAL_S = 0.2
"""A processor share is a difference over time."""


def run(choice: Choice, *, as_json: bool) -> None:
    """Print what each service uses."""
    rows = service_rows(guardians.require_running(choice.resolve_name()))
    messages.say(tables.render(rows, COLUMNS, as_json=as_json))


def memory_bytes(stack: StackState) -> int:
    """Return the resident memory of all services' processes; shared pages count once for each process."""
    import psutil

    total = 0
    for process in (p for group in _processes(stack).values() for p in group):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def service_rows(stack: StackState) -> list[dict[str, str]]:
    """Return the number of processes, the processor share and the memory of each service."""
    if stack.engine != "local":
        return _container_rows(stack)
    import psutil

    groups = _processes(stack)
    for process in (p for group in groups.values() for p in group):
        with contextlib.suppress(psutil.Error):
            process.cpu_percent()
    time.sleep(CPU_INTERVAL_S)
    return [_row(name, group) for name, group in groups.items()]


def _processes(stack: StackState) -> dict[str, list[psutil.Process]]:
    """Return each service's first process, as the guardian recorded it, with all its descendants."""
    import psutil

    groups: dict[str, list[psutil.Process]] = {name: [] for name in stack.ports}
    for event in timeline.read(Path(stack.run)):
        if event.kind == "process" and processes.is_alive(event.pid, event.started):
            with contextlib.suppress(psutil.Error):
                first = psutil.Process(event.pid)
                groups[event.service] = [first, *first.children(recursive=True)]
    return groups


def _row(name: str, group: list[psutil.Process]) -> dict[str, str]:
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
        "memory": tables.format_bytes(memory),
    }


def _container_rows(stack: StackState) -> list[dict[str, str]]:
    containers = {resources.container_of(stack.name, service): service for service in stack.ports}
    try:
        done = programs.run(
            [stack.engine, "stats", "--no-stream", "--format", "json", *containers], timeout_s=30
        )
    except CommandFailed:
        return []
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    return [
        {
            "service": containers[row["Name"]],
            "processes": row["PIDs"],
            "cpu": row["CPUPerc"],
            "memory": row["MemUsage"].split("/")[0].strip(),
        }
        for row in rows
    ]
