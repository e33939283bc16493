"""Liveness of the gateway, readiness of what it depends on."""

from gateway.health.endpoints import router

__all__ = ["router"]
