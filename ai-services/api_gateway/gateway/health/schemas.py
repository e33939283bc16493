"""Response bodies of the health endpoints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Liveness(BaseModel):
    status: Literal["healthy"] = "healthy"
    service: Literal["api-gateway"] = "api-gateway"


class Dependency(BaseModel):
    """The state of one dependency; ``error`` is empty if it is up."""

    status: Literal["up", "down"]
    latency_ms: float
    error: str = ""


class Readiness(BaseModel):
    status: Literal["ready", "unavailable"]
    service: Literal["api-gateway"] = "api-gateway"
    down: list[str]
    dependencies: dict[str, Dependency]
