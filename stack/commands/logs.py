"""`inv logs`: show what the services of a stack wrote."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stack.control import guardians
from stack.control.choice import Choice
from stack.display import log_lines, messages
from stack.errors import InvalidOption, UnknownService
from stack.records import service_logs

POLL_S = 0.1
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def run(choice: Choice, service: str, *, follow: bool, since: str, tail: int, as_json: bool = False) -> None:
    """Show the logs of the stack's latest run, of one service or all; ``follow`` them until it ends.

    Raises:
        UnknownService: the service has no log.
        InvalidOption: ``since`` is not a duration.
    """
    after = oldest_time(since)
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


def oldest_time(since: str) -> str:
    """Return the time (ISO 8601, UTC) that lies ``since`` before now; "" where it is "".

    Raises:
        InvalidOption: it is not a number with a unit.
    """
    if not since:
        return ""
    unit_s = UNITS_S.get(since[-1:])
    if unit_s is None or not since[:-1].isdigit():
        raise InvalidOption(f"--since {since!r} is not a duration.", hint="Write 30s, 10m, 2h or 1d.")
    moment = datetime.now(UTC) - timedelta(seconds=int(since[:-1]) * unit_s)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
