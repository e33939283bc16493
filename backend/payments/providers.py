"""The payment providers, by name."""

from __future__ import annotations

from django.conf import settings

from core.problems import Problem
from payments.protocol import Provider
from payments.sandbox import Sandbox

PROVIDERS: dict[str, Provider] = {Sandbox.name: Sandbox()}


class NoProvider(Problem):
    """Payments are not possible with this provider, or with any."""

    status, kind = 503, "no-payment-provider"


def get_provider(name: str) -> Provider:
    """Return the provider that the settings name. Raises: NoProvider for any other."""
    if name != settings.PAYMENT_PROVIDER or name not in PROVIDERS:
        raise NoProvider("This shop does not take payments of this kind.")
    return PROVIDERS[name]
