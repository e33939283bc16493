"""The dashboard's views of metrics and of snapshots."""

from __future__ import annotations

import re
import secrets
from typing import Any

from playwright.sync_api import Browser, Locator, expect

from browser.conftest import PICTURES
from browser.stack import Stack, wait_until
from browser.test_dashboard import CONTROLS, ESCAPES, MARKUP
from browser.visit import Visit


def figure(visit: Visit, service: str, title: str) -> Locator:
    """Return the small picture of a service's metric."""
    section = visit.content.get_by_role("region", name=service, exact=True)
    return section.get_by_role("figure").filter(has_text=re.compile(f"^{title}"))


def test_requests_become_small_pictures_of_both_services(visit: Visit, stack: Stack) -> None:
    visit.go("Metrics")
    requests = figure(visit, "api-gateway", "requests")

    def are_counted() -> bool:
        for _ in range(10):
            assert stack.get("GATEWAY_URL", "/api/v1/products?limit=2") == 200
        return re.search(r"^[1-9][\d.]* /s$", requests.inner_text(), re.MULTILINE) is not None

    expect(requests).to_be_visible()
    wait_until(are_counted, "the requests are counted")
    picture = requests.get_by_role("img", name=re.compile("^api-gateway, requests: .* now, peak "))
    expect(picture.locator("path.line").first).to_be_attached()
    expect(figure(visit, "api-gateway", "errors")).to_contain_text("0 %")
    expect(figure(visit, "backend", "95th percentile")).to_contain_text(re.compile(r"\d m?s"))
    expect(figure(visit, "worker", "jobs")).to_contain_text(re.compile(r"[1-9][\d.]* /s"))
    expect(figure(visit, "the shop", "orders: paid")).to_be_visible()
    expect(figure(visit, "the shop", "outbox lag")).to_be_visible()
    visit.picture("metrics")


def test_a_service_that_does_not_answer_is_said_and_hostile_labels_are_text(
    chromium: Browser, address: str, scheme: str
) -> None:
    def chart(title: str, unit: str, *values: float | None) -> dict[str, Any]:
        return {"title": title, "unit": unit, "points": [[5.0 * n, v] for n, v in enumerate(values)]}

    answer = {
        "now": 20.0,
        "window_s": 15.0,
        "services": [
            {"name": "backend", "problem": "no answer within 2 s", "charts": []},
            {"name": "gateway", "problem": "", "charts": [chart("errors", "share", None, 0, 0.02, 0.5)]},
        ],
        "shop": [chart(f"orders: {MARKUP} {ESCAPES}", "orders", 1, None, 1234)],
    }

    with Visit.open(chromium, address, pictures=PICTURES, color_scheme=scheme) as visit:
        visit.page.route("**/api/metrics*", lambda route: route.fulfill(json=answer))
        visit.go("Metrics")
        visit.require_text("backend does not give its metrics: no answer within 2 s", MARKUP, "1,234")
        errors = figure(visit, "gateway", "errors")
        expect(errors).to_contain_text("50 %")
        expect(errors).to_have_class("bad")
        text = visit.content.inner_text()
        assert CONTROLS.findall(text) == []
        assert "taken" not in visit.page.title()
        visit.require_readable()
        visit.picture(f"metrics-hostile-{scheme}")
        visit.require_quiet()


def test_of_an_earlier_run_there_are_no_metrics_and_that_is_said(visit: Visit) -> None:
    earlier = {"run": "earlier", "began": 0, "up_s": None, "phase": "down", "services": {}, "tests": 0}
    traces = {"spans": 0, "dropped": 0}
    overview = {**earlier, "stack": "shop", "services": [], "chain": [], "error": "", "traces": traces}
    visit.page.route("**/api/runs*", lambda route: route.fulfill(json=[earlier]))
    visit.page.route("**/api/overview?run=earlier", lambda route: route.fulfill(json=overview))
    visit.page.reload()
    visit.go("Metrics")
    visit.page.get_by_label("Run").select_option("earlier")
    visit.require_text("Metrics are those of the stack that runs now. Choose the newest run.")


def test_a_snapshot_is_shown_with_its_age_and_the_command_that_restores_it(
    visit: Visit, stack: Stack
) -> None:
    visit.go("Snapshots")
    visit.require_text("No snapshot is recorded", "inv snapshot save NAME")
    visit.picture("snapshots-none")
    name = f"before-{secrets.token_hex(3)}"
    stack.inv(f"snapshot save {name}")
    row = visit.content.get_by_role("row", name=re.compile(name))
    expect(row).to_contain_text(re.compile(r"\d+ s\s*\d+ MiB"))
    expect(row.get_by_role("code")).to_have_text(f"inv snapshot restore {name} --stack {stack.name}")
    visit.picture("snapshots")
    stack.inv(row.get_by_role("code").inner_text().removeprefix("inv "))
    stack.inv(f"snapshot delete {name}")
    visit.require_text("No snapshot is recorded")
