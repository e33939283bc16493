"""The limits that the services of a run have reached, as long as they live: their logs seldom name one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stack.records import timeline
from stack.system import control_groups, processes


def of_run(run: Path) -> Iterator[str]:
    """Yield a sentence for each limit that a service of the run has reached (local engine, cgroups(7))."""
    begun = {event.service: event for event in timeline.read(run) if event.kind == "process"}
    for name, event in begun.items():
        alive = processes.is_alive(event.pid, event.started)
        group = control_groups.group_of(event.pid) if alive else None
        if group is not None and (count := group.refused_processes()):
            yield f"{name} reached its pids_limit: {count} times it could make no process or thread"
        if group is not None and (count := group.oom_kills()):
            yield f"{name} reached its mem_limit: {count} of its processes were ended"
