"""`inv up`: start a stack."""

from __future__ import annotations

import time

from stack.commands import branch_data, snapshot_record
from stack.control import session
from stack.control.choice import Choice
from stack.display import messages, status
from stack.display.progress import Progress


def run(choice: Choice, service: str, *, timeout_s: float, watch: bool) -> None:
    """Start the stack, or one service and what it depends on, and print its addresses.

    With ``watch`` keep running and reload each service whose files are saved.
    """
    began = time.monotonic()
    with Progress() as progress:
        stack, was_up = session.up(
            choice, [service] if service else [], deadline_s=timeout_s, show=progress.show
        )
    if was_up:
        messages.say(f"{stack.name} is up already ({stack.engine})")
    else:
        messages.say(f"{stack.name} is up on {stack.engine} in {time.monotonic() - began:.1f} s")
        snapshot_record.write_of(stack)
    for line in status.address_lines(stack):
        messages.say(line)
    if not service and (offer := branch_data.offer(stack)) is not None:
        messages.advise(offer)
    if watch:
        from stack.commands.watch import watch_services

        watch_services(stack, say=messages.advise)
