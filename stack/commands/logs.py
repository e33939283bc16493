"""`inv logs`"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stack.control import guardians
from stack.control.choice import Choice
from stack.display import log_lines, messages
from stack.errors import StackError, UnknownService
from stack.records import service_logs


def show_logs(run: Path, names: list[str], *, after: str, tail: int) -> str:
    """Print what is there; return the time of the last line."""
    rows = [row for row in service_logs.merge(run, names) if row[0] > after]
    for row in rows[-tail:] if tail else rows:
        messages.say(log_lines.format_entry(*row))
    return rows[-1][0] if rows else after


def run(choice: Choice, service: str, *, follow: bool, since: str, tail: int) -> None:
    """Show the logs of the newest run, and go on where asked."""
    name = choice.resolve_name()
    run = choice.last_run()
    if run is None:
        messages.say(f"{name} has not run here yet; start it with `inv up`")
        return
    known = service_logs.logged_services(run)
    if service and service not in known:
        raise UnknownService(f"There is no log of {service!r}.", hint=f"Services: {', '.join(known)}.")
    chosen = [service] if service else known
    last = show_logs(run, chosen, after=_since(since), tail=tail)
    while follow and guardians.alive(name) is not None:
        time.sleep(0.1)
        last = show_logs(run, chosen, after=last, tail=0)


def _since(text: str) -> str:
    if not text:
        return ""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
    if unit is None or not text[:-1].isdigit():
        raise StackError(f"--since {text!r} is not a duration.", hint="Write 30s, 10m, 2h or 1d.")
    moment = datetime.now(UTC) - timedelta(seconds=int(text[:-1]) * unit)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
