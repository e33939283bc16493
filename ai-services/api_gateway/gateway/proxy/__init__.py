"""The way through to the backend."""

from gateway.proxy.endpoint import PassThrough

__all__ = ["PassThrough"]
