"""The metrics of the last ten minutes, collected only while a page is open."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from dashboard import charts, readings
from dashboard.scraping import NoAnswer, Target, fetch

EVERY_S = 5.0
KEPT_S = 600.0
READINGS_LIMIT = int(KEPT_S / EVERY_S)


class History:
    """What each target said, and why it says nothing where it does not."""

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        fetch: Callable[[str], Awaitable[str]] = fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._targets, self._fetch, self._clock = targets, fetch, clock
        self._timed: dict[str, deque[charts.Timed]] = {
            each.name: deque(maxlen=READINGS_LIMIT) for each in targets
        }
        self._problems: dict[str, str] = {}
        self._watchers = 0
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Ask every target each EVERY_S seconds during the block."""
        self._watchers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                self._task.cancel()
                self._task = None

    async def _follow(self) -> None:
        for timed in self._timed.values():
            _forget(timed, self._clock())
        while True:
            began = self._clock()
            await self.ask()
            await asyncio.sleep(max(EVERY_S - (self._clock() - began), 0.0))

    async def ask(self) -> None:
        """Ask every target once, all at the same time."""
        await asyncio.gather(*map(self._ask, self._targets))

    async def _ask(self, target: Target) -> None:
        reading, problem = None, ""
        try:
            text = await self._fetch(target.url)
            reading = await asyncio.to_thread(readings.read, text)
        except NoAnswer as error:
            problem = str(error)
        except ValueError as error:
            problem = f"not in Prometheus' format ({str(error)[:100]})"
        except Exception as error:
            logging.getLogger(__name__).exception("%s", target.url)
            problem = f"the dashboard failed: {type(error).__name__}: {error}"
        self._problems[target.name] = problem
        timed, now = self._timed[target.name], self._clock()
        timed.append((now, reading))
        _forget(timed, now)

    def shown(self) -> dict[str, Any]:
        """Return the charts: those of each service, and those of the shop's state from who knows it first."""
        groups = [self._group(each) for each in self._targets]
        shop = next(filter(None, map(charts.of_shop, map(list, self._timed.values()))), [])
        return {
            "now": max(map(charts.newest, self._timed.values()), default=0.0),
            "window_s": charts.WINDOW_S,
            "services": groups,
            "shop": [asdict(chart) for chart in shop],
        }

    def _group(self, target: Target) -> dict[str, Any]:
        timed = list(self._timed[target.name])
        return {
            "name": target.name,
            "problem": self._problems.get(target.name, ""),
            "charts": [asdict(chart) for chart in charts.of_service(timed)],
        }


def _forget(timed: deque[charts.Timed], now: float) -> None:
    while timed and now - timed[0][0] > KEPT_S:
        timed.popleft()
