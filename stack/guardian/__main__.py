"""The process that holds a stack: ``python -m stack.guardian REQUEST [LEASE]``.

REQUEST is the file that describes the stack, LEASE the descriptor of a pipe whose end of file means that the
owner is gone. A detached stack has a lease only until it is up: from then on it runs until SIGTERM, or
``down`` over its control socket.
"""

import asyncio
import sys
from pathlib import Path

from stack.guardian.guardian import Guardian
from stack.records.request import read_request
from stack.records.timeline import Timeline
from stack.system import kernel


async def hold(arguments: list[str]) -> int:
    """Hold the requested stack until its end; return the exit code."""
    request = read_request(Path(arguments[0]))
    lease = int(arguments[1]) if len(arguments) > 1 else None
    timeline = Timeline(Path(request.run))
    if not request.ephemeral:  # it stays beside what somebody types, and that goes first
        kernel.lower_priority()
    return await Guardian(request, timeline).hold(lease)


sys.exit(asyncio.run(hold(sys.argv[1:])))
