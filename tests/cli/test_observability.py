"""The profile `observability` on the local engine: a real Prometheus measures the services of a stack."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cli.terminal import inv

UP = "up --stack ci --engine local --profile observability"
WITHIN_S = 90.0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A stack with Prometheus: what `inv up` printed, the dashboard's token, each service's address."""

    out: str
    token: str
    addresses: dict[str, str]

    def get(self, service: str, path: str) -> tuple[int, str]:
        """Return status and body."""
        try:
            with urllib.request.urlopen(self.addresses[service] + path, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ask(self, path: str) -> Any:
        """Return what Prometheus' API says."""
        status, body = self.get("prometheus", path)
        assert status == 200, body
        return json.loads(body)["data"]

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {WITHIN_S:g} s"
            time.sleep(0.5)

    def health(self) -> dict[str, str]:
        """Return the health of each target that Prometheus scrapes."""
        targets = self.ask("/api/v1/targets")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in targets}


@pytest.fixture(scope="module", params=["", "0"], ids=["networks", "one network"])
def measured(request: pytest.FixtureRequest) -> Iterator[Measured]:
    """Start the stack, where each service has a network of its own and where all share this machine's."""
    environment = {"STACK_NAME": f"cli-{secrets.token_hex(3)}", "STACK_NETWORKS": request.param}
    try:
        started = inv(UP, environment, limit_s=300)
        assert started.code == 0, started.out + started.err
        listed = json.loads(inv("ps --json", environment).out)
        ports = {row["service"]: row["ports"] for row in listed if row["ports"]}
        addresses = {name: f"http://{str(text).partition('->')[0]}" for name, text in ports.items()}
        token = inv("dashboard", environment).out.strip().partition("token=")[2]
        yield Measured(out=started.out + started.err, token=token, addresses=addresses)
    finally:
        inv("down --volumes", environment, limit_s=120)


def test_prometheus_reaches_every_service_of_the_stack(measured: Measured) -> None:
    expected = {"backend": "up", "api-gateway": "up", "prometheus": "up", "stack": "up"}
    measured.wait_until(lambda: expected.items() <= measured.health().items(), "every target is up")


def test_the_dashboard_reaches_them_while_its_page_is_open(measured: Measured) -> None:
    def services() -> dict[str, tuple[str, bool]]:
        status, body = measured.get("dashboard", f"/api/metrics?token={measured.token}")
        assert status == 200, body
        return {
            each["name"]: (each["problem"], bool(each["charts"])) for each in json.loads(body)["services"]
        }

    nothing, everything = ("", False), ("", True)
    assert services() == {"backend": nothing, "api-gateway": nothing}
    page = f"{measured.addresses['dashboard']}/api/events?token={measured.token}"
    with urllib.request.urlopen(page, timeout=30):
        measured.wait_until(
            lambda: services() == {"backend": everything, "api-gateway": everything}, "their metrics"
        )


def test_the_time_that_each_service_took_to_be_ready_is_a_metric(measured: Measured) -> None:
    def services() -> set[str]:
        answer = measured.ask("/api/v1/query?query=stack_service_ready_seconds")
        return {sample["metric"]["service"] for sample in answer["result"]}

    measured.wait_until(lambda: {"backend", "api-gateway"} <= services(), "the services' times")
    assert "<h2>Start of the stack</h2>" in measured.get("prometheus", "/consoles/shop.html")[1]


def test_a_request_through_the_gateway_is_seen_by_route_on_the_page(measured: Measured) -> None:
    page = "/consoles/shop.html"

    def has_appeared() -> bool:
        assert measured.get("api-gateway", "/api/v1/products?limit=1")[0] == 200
        text = measured.get("prometheus", page)[1]
        return "/api/v1/products</td>" in text and "/api/v1/{path}</td>" in text

    measured.wait_until(has_appeared, "the routes")
    status, text = measured.get("prometheus", page)
    assert status == 200
    for part in ("<td>api-gateway</td>", "<td>orders paid</td>", "<td>reservations alive</td>"):
        assert part in text


def test_every_rule_is_evaluated_without_an_error(measured: Measured) -> None:
    rules = [rule for group in measured.ask("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 10
    assert [rule["name"] for rule in rules if rule.get("lastError")] == []


def test_metrics_are_not_public(measured: Measured) -> None:
    assert measured.get("api-gateway", "/metrics")[0] == 404
    assert measured.get("backend", "/metrics")[0] == 404


def test_what_needs_a_registry_is_left_out_in_one_sentence(measured: Measured) -> None:
    (said,) = [line for line in measured.out.splitlines() if "The stack comes up without" in line]
    assert "grafana, jaeger." in said
    assert "prometheus:" not in said
