"""Liveness of the gateway, readiness of what it depends on."""

from gateway.health.dependencies import SharedReadiness, check_readiness
from gateway.health.endpoints import router

__all__ = ["SharedReadiness", "check_readiness", "router"]
