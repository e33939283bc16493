"""The payment providers, by name."""

from __future__ import annotations

from payments.protocol import Provider
from payments.sandbox import Sandbox

PROVIDERS: dict[str, Provider] = {Sandbox.name: Sandbox()}


def get_provider(name: str) -> Provider:
    """Return a provider. Raises: KeyError for an unknown name."""
    return PROVIDERS[name]
