"""`inv logs`: show what the services of a stack wrote."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stack.control import guardians
from stack.control.choice import Choice
from stack.display import log_lines, messages
from stack.errors import UnknownService
from stack.records import service_logs

POLL_S = 0.1


def run(
    choice: Choice,
    service: str,
    *,
    follow: bool = False,
    since_s: float | None = None,
    tail: int = 0,
    as_json: bool = False,
) -> None:
    """Show the logs of the stack's latest run, of one service or all; ``follow`` them until it ends.

    ``since_s`` limits them to the last seconds, ``tail`` to the last lines.

    Raises:
        UnknownService: the service has no log.
    """
    after = "" if since_s is None else time_before(since_s)
    name = choice.resolve_name()
    run = choice.last_run()
    if run is None:
        if not as_json:
            messages.say(f"{name} has not run here yet. Start it with `inv up`.")
        return
    services = service_logs.logged_services(run)
    if service and service not in services:
        raise UnknownService(f"There is no log of {service!r}.", hint=f"Services: {', '.join(services)}.")
    chosen = [service] if service else services
    last = show_logs(run, chosen, after=after, tail=tail, as_json=as_json)
    while follow and guardians.alive(name) is not None:
        time.sleep(POLL_S)
        last = show_logs(run, chosen, after=last, tail=0, as_json=as_json)


def show_logs(run: Path, services: list[str], *, after: str, tail: int, as_json: bool = False) -> str:
    """Print the lines after a time, only the last ``tail`` unless it is 0; return the last one's time."""
    rows = [row for row in service_logs.merge(run, services) if row[0] > after]
    for row in rows[-tail:] if tail else rows:
        messages.say(_json_line(*row) if as_json else log_lines.format_entry(*row))
    return rows[-1][0] if rows else after


def _json_line(stamp: str, service: str, text: str) -> str:
    return json.dumps({"time": stamp, "service": service, "text": text})


def time_before(seconds: float) -> str:
    """Return the time (ISO 8601, UTC) that lies ``seconds`` before now."""
    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
