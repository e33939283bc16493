"""Client connections: deadlines, limits, and responses to invalid HTTP."""

from gateway.connections.protocol import GuardedProtocol

__all__ = ["GuardedProtocol"]
