"""The plan of one service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.model import Service
from stack.plan.image_config import ImageConfig


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why an engine cannot run a service, in one sentence, and the way out."""

    sentence: str
    way_out: str


@dataclass(frozen=True, kw_only=True)
class ServicePlan:
    """One service, ready to be started; ``service`` has the defaults of its image.

    ``argv`` is empty where the image decides. ``ports`` maps container to host ports. ``healthcheck`` is
    the check's ``test`` with addresses of this machine, ``executed`` the test as it is run where the
    service runs. ``awaited``: another service waits until this one has completed. ``image`` is the
    configuration of the image that its Dockerfile makes.
    """

    service: Service
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    ports: Mapping[int, int]
    cwd: Path
    healthcheck: tuple[str, ...] = ()
    executed: tuple[str, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)
    awaited: bool = False
    image: ImageConfig = field(default_factory=ImageConfig)
    problem: Problem | None = None

    @property
    def name(self) -> str:
        return self.service.name
