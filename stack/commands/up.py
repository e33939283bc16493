"""`inv up`"""

from __future__ import annotations

import time

from stack.commands import spare
from stack.control import session
from stack.control.choice import Choice
from stack.display import messages, status
from stack.display.progress import Progress


def run(choice: Choice, service: str, *, timeout_s: float, watch: bool) -> None:
    """Bring the stack up, say where it is, and with ``watch`` stay to reload what is saved."""
    began = time.monotonic()
    shown = Progress()
    kept, already = session.up(choice, [service] if service else [], deadline_s=timeout_s, show=shown.show)
    if already:
        messages.say(f"{kept.name} is up already ({kept.engine})")
    else:
        messages.say(f"{kept.name} is up on {kept.engine} in {time.monotonic() - began:.1f} s")
        spare.start(kept)
    for line in status.address_lines(kept):
        messages.say(line)
    if watch:
        from stack.commands.watch import watch_services

        watch_services(kept, say=messages.say)
