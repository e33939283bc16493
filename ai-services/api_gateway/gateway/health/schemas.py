"""Response bodies of the health endpoints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

Status = Literal["ready", "degraded", "unavailable"]


class Liveness(BaseModel):
    status: Literal["healthy"] = "healthy"
    service: Literal["api-gateway"] = "api-gateway"


class Dependency(BaseModel):
    """The state of one dependency; ``error`` is empty if it is up, and only ``required`` ones must be."""

    status: Literal["up", "down"]
    required: bool
    latency_ms: float
    error: str = ""


class Readiness(BaseModel):
    status: Status
    service: Literal["api-gateway"] = "api-gateway"
    down: list[str]
    dependencies: dict[str, Dependency]
