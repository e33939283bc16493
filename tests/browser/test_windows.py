"""The dashboard in windows of many widths: nothing is wider than its place."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from browser.conftest import PICTURES
from browser.stack import Stack
from browser.visit import VIEWS, Visit


def test_a_small_window_shows_every_view_whole(chromium: Browser, address: str) -> None:
    with Visit.open(chromium, address, pictures=PICTURES, viewport={"width": 400, "height": 800}) as visit:
        for view in VIEWS:
            visit.go(view)
            visit.picture(f"{view.lower()}-small")
            visit.require_readable()


def test_a_small_window_shows_commands_in_a_few_lines(chromium: Browser, address: str) -> None:
    with Visit.open(chromium, address, viewport={"width": 400, "height": 800}) as visit:
        visit.require_view("Services")
        commands = visit.content.locator("td:has(> code)")
        expect(commands.first).to_be_visible()
        heights = "(all) => Math.max(...all.map((each) => each.getBoundingClientRect().height))"
        assert commands.evaluate_all(heights) < 80


@pytest.mark.parametrize("width", [400, 1280])
def test_a_long_name_stays_in_its_place(chromium: Browser, address: str, width: int) -> None:
    """Of a service of any other project; the whole name is in the table."""
    with Visit.open(chromium, address, viewport={"width": width, "height": 800}) as visit:
        answer = visit.page.request.get(f"{visit.origin}/api/overview").json()
        name = "a-service-with-a-name-that-nobody-would-type-twice-in-a-day"
        answer["run"], answer["services"][0]["name"] = "other", name
        visit.page.route("**/api/runs*", lambda route: route.fulfill(json=[{"run": "other"}]))
        visit.page.route("**/api/overview?run=other", lambda route: route.fulfill(json=answer))
        visit.page.reload()
        visit.page.get_by_label("Run").select_option("other")
        visit.require_text(name)
        boxes = "(all) => all.map((each) => each.getBBox()).map(({ x, width }) => [x, width])"
        for x, wide in visit.content.locator("svg text", has_text="a-service").evaluate_all(boxes):
            assert wide <= 140, (x, wide)
        visit.go("Logs")
        visit.require_readable()


@pytest.mark.parametrize("width", [400, 800])
def test_the_graph_and_the_start_up_fit_into_a_window(chromium: Browser, address: str, width: int) -> None:
    with Visit.open(chromium, address, viewport={"width": width, "height": 800}) as visit:
        visit.go("Services")
        boxes = [picture.bounding_box() for picture in visit.content.get_by_role("img").all()]
        assert len(boxes) == 2
        assert all(box and box["x"] + box["width"] <= width for box in boxes)


def test_a_small_window_shows_the_bars_of_a_trace(chromium: Browser, address: str, stack: Stack) -> None:
    trace, width = stack.traced_request(), 400
    with Visit.open(chromium, address, pictures=PICTURES, viewport={"width": width, "height": 800}) as visit:
        visit.open_trace(trace, spans=4)
        boxes = [bar.bounding_box() for bar in visit.content.locator("svg rect:is(.runs, .fails)").all()]
        assert len(boxes) >= 4
        assert all(box and box["x"] + box["width"] <= width for box in boxes)
        visit.picture("trace-small")
        visit.require_readable()
