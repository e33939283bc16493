"""The limits of a service: a control group for all its processes, ``ulimits`` for each of them."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
from collections.abc import Iterable
from typing import Final

from stack.model import Service
from stack.system import control_groups
from stack.system.control_groups import ControlGroup

KEYS: Final = {"memory": "mem_limit", "pids": "pids_limit", "cpu": "cpus"}
"""The controller of a control group -> the key of the compose file that it enforces."""


REMOVAL_TRIES: Final = 50
REMOVAL_PAUSE_S: Final = 0.01


def enforced(services: Iterable[Service]) -> set[str]:
    """Return the keys of compose files that this machine enforces for all of ``services``."""
    keys = {KEYS[name] for name in control_groups.available()}
    can_set = shutil.which("prlimit") is not None and all(map(_may_set_ulimits, services))
    return keys | ({"ulimits"} if can_set else set())


def group_of(service: Service) -> ControlGroup | None:
    """Return the control group of a service, None where it needs none or this machine allows none."""
    limits = service.limits
    return control_groups.create(
        service.name, memory_bytes=limits.memory_bytes, processes=limits.processes, cpus=limits.cpus
    )


async def remove_groups(groups: Iterable[ControlGroup]) -> None:
    """Remove control groups whose processes have been ended; the kernel takes a moment for it."""
    left = list(groups)
    for _ in range(REMOVAL_TRIES):
        left = [group for group in left if not group.remove()]
        if not left:
            return
        await asyncio.sleep(REMOVAL_PAUSE_S)


def words(service: Service, group: ControlGroup | None) -> tuple[str, ...]:
    """Return the words before a command that is to run within the limits of ``service``."""
    ulimits = service.limits.ulimits
    if not ulimits or shutil.which("prlimit") is None or not _may_set_ulimits(service):
        return group.words() if group is not None else ()
    options = [f"--{name}={_number(soft)}:{_number(hard)}" for name, (soft, hard) in ulimits.items()]
    return ("prlimit", *options, "--", *(group.words() if group is not None else ()))


def _number(limit: int) -> str:
    return "unlimited" if limit < 0 else str(limit)


def _may_set_ulimits(service: Service) -> bool:
    """Whether no hard limit is above our own, which root alone may raise (setrlimit(2))."""
    return os.geteuid() == 0 or all(
        _is_lower(name, hard) for name, (_, hard) in service.limits.ulimits.items()
    )


def _is_lower(name: str, hard: int) -> bool:
    number = getattr(resource, f"RLIMIT_{name.upper()}", None)
    own = resource.getrlimit(number)[1] if number is not None else 0
    return own == resource.RLIM_INFINITY or 0 <= hard <= own
