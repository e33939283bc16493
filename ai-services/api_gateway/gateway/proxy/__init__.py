"""The reverse proxy to the backend."""

from gateway.proxy.endpoint import ProxyEndpoint

__all__ = ["ProxyEndpoint"]
