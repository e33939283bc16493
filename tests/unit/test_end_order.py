"""The stacks' own compose files: who sends spans ends before the one that receives them."""

from __future__ import annotations

import pytest

from stack import compose
from stack.system.directories import ROOT


@pytest.mark.parametrize("profile", ["observability", "recorder"])
@pytest.mark.parametrize(("kind", "senders"), [("local", 3), ("ci", 2)])
def test_what_sends_spans_ends_before_the_dashboard(kind: str, senders: int, profile: str) -> None:
    """A service that ends sends what it has left, and waits for a receiver that has gone."""
    file = ROOT / "compose" / f"docker-compose.{kind}.yml"
    services = compose.load(file, environment={}, profiles=(profile,)).services.values()
    sending = [each for each in services if "OTEL_EXPORTER_OTLP_ENDPOINT" in each.environment]
    assert len(sending) == senders
    for service in sending:
        assert "dashboard" in [need.service for need in service.depends_on], service.name
