"""What the health endpoints answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Alive(BaseModel):
    status: Literal["healthy"] = "healthy"
    service: Literal["api-gateway"] = "api-gateway"


class Dependency(BaseModel):
    """How one dependency answered just now; ``error`` is empty where it is up."""

    status: Literal["up", "down"]
    latency_ms: float
    error: str = ""


class Ready(BaseModel):
    status: Literal["ready", "unavailable"]
    service: Literal["api-gateway"] = "api-gateway"
    down: list[str]
    dependencies: dict[str, Dependency]
