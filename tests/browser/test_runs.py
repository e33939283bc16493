"""The dashboard's view of earlier runs, side by side."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from browser.stack import Stack
from browser.visit import Visit


def run(name: str, services: dict[str, float]) -> dict[str, Any]:
    """Return one line of the dashboard's answer about its runs."""
    return {
        "run": name,
        "began": 0,
        "up_s": 1.0,
        "phase": "down",
        "tests": 0,
        "failed": 0,
        "services": services,
    }


def test_a_run_is_compared_with_the_one_before_that_had_the_same_services(visit: Visit) -> None:
    runs = [
        run("slower", {"web": 3.0, "db": 1.0}),
        run("as-before", {"web": 1.0, "db": 1.0}),
        run("of-another-stack", {"web": 0.1}),
        run("first", {"web": 1.0, "db": 1.0}),
    ]
    visit.page.route("**/api/runs*", lambda route: route.fulfill(json=runs))
    visit.go("Runs")
    slower = visit.content.get_by_role("row", name="slower").get_by_role("cell")
    expect(slower.filter(has_text="▲")).to_have_text(["3.00 s ▲"])
    expect(slower.filter(has_text="▲")).to_have_attribute("title", "slower: 1.00 s before")
    expect(visit.content.get_by_role("cell").filter(has_text="▲")).to_have_count(1)
    visit.picture("runs-slower")


def test_services_of_another_stack_have_no_column(visit: Visit) -> None:
    runs = [run("own", {"backend": 1.0, "gone-since": 1.0}), run("of-another-stack", {"mail": 1.0})]
    visit.page.route("**/api/runs*", lambda route: route.fulfill(json=runs))
    visit.go("Runs")
    expect(visit.content.get_by_role("row")).to_have_count(3)
    titles = ["Run", "Phase", "Tests", "Failed", "Up in", "backend", "gone-since"]
    expect(visit.content.get_by_role("columnheader")).to_have_text(titles)


def test_a_run_is_opened_from_the_list(visit: Visit, stack: Stack) -> None:
    """An earlier one has no commands that act on a running stack."""
    service = {"name": "db", "state": "exited", "text": "exit code 1", "waits": 0, "starts": 0, "settles": 1}
    services = [{**service, "came_up": False, "fails": None, "needs": []}]
    traces = {"spans": 0, "dropped": 0}
    overview = {"run": "earlier", "stack": "shop-1", "phase": "down", "up_s": None, "services": services}
    answer = {**overview, "chain": [], "error": "", "traces": traces}
    visit.page.route("**/api/runs*", lambda route: route.fulfill(json=[run("earlier", {})]))
    visit.page.route("**/api/overview?run=earlier", lambda route: route.fulfill(json=answer))
    visit.page.reload()
    visit.go("Runs")
    visit.content.get_by_role("link", name="earlier").press("Enter")
    visit.require_view("Services")
    expect(visit.page.get_by_label("Run")).to_have_value("earlier")
    expect(visit.page.locator("#stack")).to_have_text("earlier")
    visit.require_text("db: exited", "inv logs db --run earlier")
    expect(visit.content.get_by_role("table")).not_to_contain_text("inv restart")
    visit.page.get_by_label("Run").select_option("")
    visit.require_text(f"inv restart backend --stack {stack.name}")
