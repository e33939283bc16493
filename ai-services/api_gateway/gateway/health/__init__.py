"""Is the gateway alive, and is everything there that it needs?"""

from gateway.health.endpoints import router

__all__ = ["router"]
