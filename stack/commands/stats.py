"""`inv stats`"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stack.control import guardians
from stack.control.choice import Choice
from stack.display import messages, tables
from stack.errors import CommandFailed
from stack.records import timeline
from stack.records.state import StackState
from stack.system import processes, programs

if TYPE_CHECKING:
    import psutil


def memory_bytes(kept: StackState) -> int:
    """Return the resident memory of all services of a stack; pages that processes share count once each."""
    import psutil

    total = 0
    for process in (p for group in _processes(kept).values() for p in group):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def service_rows(kept: StackState) -> list[dict[str, str]]:
    """Return processes, processor share and memory of each service."""
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
    for event in timeline.read(Path(kept.run)):
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
        "memory": tables.format_bytes(memory),
    }


def _container_rows(kept: StackState) -> list[dict[str, str]]:
    names = [f"{kept.name}-{service}-1" for service in kept.ports]
    try:
        done = programs.run([kept.engine, "stats", "--no-stream", "--format", "json", *names], timeout_s=30)
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


def run(choice: Choice) -> None:
    """Show what each service uses."""
    rows = service_rows(guardians.require_running(choice.resolve_name()))
    messages.say(tables.table(rows, ["service", "processes", "cpu", "memory"]))
