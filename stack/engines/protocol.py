"""What every engine provides: the protocol, and what it speaks of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stack.model import Healthcheck, Service, Stack
from stack.plan.plan import Plan, ServicePlan
from stack.records.service_logs import Log

Say = Callable[[str], None]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, kw_only=True)
class Site:
    """The folders of a stack: ``folder`` outlives it, ``scratch`` ends with it, ``run`` is its record."""

    name: str
    folder: Path
    scratch: Path
    run: Path
    token: str
    ephemeral: bool


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a service ended; negative codes are signals. ``oom``: the kernel killed it for want of memory.

    ``unknown`` is why its engine cannot tell, and then ``code`` means nothing.
    """

    code: int
    oom: bool = False
    unknown: str = ""


class Running(Protocol):
    """A started service."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> Exit: ...

    async def stop(self, grace_s: float) -> None: ...

    async def connect(self, host: str, port: int) -> Connection: ...

    async def execute(self, argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]: ...

    async def data_is_new(self, *, since: float) -> bool:
        """Return whether what it stores was made for it after ``since`` (seconds since the epoch)."""
        ...


class Engine(Protocol):
    """Runs the services of one stack."""

    async def open_networks(self, services: Mapping[str, Service], say: Say) -> bool:
        """Return whether each service has a network of its own, having made what they need for it."""
        ...

    def folders(self, stack: Stack, site: Site) -> Mapping[str, Mapping[str, str]]: ...

    async def unavailable(self, services: Mapping[str, ServicePlan]) -> Mapping[str, str]:
        """Return why services cannot be run here, each in a sentence; only optional ones are given."""
        ...

    async def prepare(self, plan: Plan, site: Site, say: Say) -> None: ...

    async def build(self, plan: ServicePlan, say: Say) -> None: ...

    async def image_check(self, plan: ServicePlan) -> Healthcheck | None: ...

    async def start(self, plan: ServicePlan, log: Log) -> Running: ...

    async def refresh(self, services: list[str], say: Say) -> None: ...

    async def remove(self, *, volumes: bool) -> None: ...
