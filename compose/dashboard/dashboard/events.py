"""What changes while the page is open, as server-sent events.

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

PAUSE_S = 0.5
KEEP_ALIVE_PAUSES = 30


async def stream(
    look: Callable[[], dict[str, Any] | None], *, over: Callable[[], bool]
) -> AsyncIterator[str]:
    """Yield what ``look`` returns each time it differs, and a comment every 15 s, until ``over`` says so."""
    before, quiet = "", 0
    while not over():
        now = json.dumps(await asyncio.to_thread(look))
        if now != before:
            before, quiet = now, 0
            yield f"data: {now}\n\n"
        elif (quiet := quiet + 1) >= KEEP_ALIVE_PAUSES:
            quiet = 0
            yield ": still here\n\n"
        await asyncio.sleep(PAUSE_S)
