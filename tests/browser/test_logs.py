"""The dashboard's view of logs: every line once, and what is said where some are missing."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Route, expect

from browser.visit import Visit

PAGE = 300
"""Lines that the page asks for at once."""


class Log:
    """What the dashboard answers of a log; ``asked`` counts the questions."""

    def __init__(self, count: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked, self.is_silent = 0, False
        self.write("2026-01-31T12:00:00.000Z", count)

    def write(self, at: str, count: int) -> None:
        """Write lines at one moment."""
        empty = {"service": "web", "level": "info", "exception": "", "request_id": "", "trace_id": ""}
        first = len(self.rows)
        self.rows += [{**empty, "at": at, "text": f"line {first + number}"} for number in range(count)]

    def answer(self, route: Route) -> None:
        """Return what the dashboard would; it is silent while it is started again."""
        self.asked += 1
        if self.is_silent:
            route.abort()
            return
        asked = parse_qs(urlsplit(route.request.url).query)
        seen = int(asked.get("seen", ["0"])[0])
        rows = [row for row in self.rows if row["at"] >= asked.get("after", [""])[0]]
        route.fulfill(json=rows[: len(rows) - seen][-PAGE:])


def shown(visit: Visit, log: Log) -> None:
    """Open the view, which shows this log."""
    visit.page.route("**/api/logs*", log.answer)
    visit.go("Logs")


def test_of_lines_that_were_written_at_once_each_is_shown_once(visit: Visit) -> None:
    log = Log(PAGE + 150)
    shown(visit, log)
    lines = visit.content.locator(".lines > div")
    expect(lines).to_have_count(PAGE)
    visit.content.get_by_role("button", name="Older lines").click()
    expect(lines).to_have_count(PAGE + 150)
    expect(lines.first).to_contain_text("line 0")
    log.write(log.rows[-1]["at"], 1)
    expect(lines).to_have_count(PAGE + 151)
    asked = log.asked
    visit.wait_until(lambda: log.asked > asked + 1, "the page asks for new lines")
    expect(lines).to_have_count(PAGE + 151)


def test_where_lines_come_too_fast_the_page_says_that_some_are_missing(visit: Visit) -> None:
    log = Log(10)
    shown(visit, log)
    expect(visit.content.locator(".lines > div")).to_have_count(10)
    log.write("2026-01-31T12:00:01.000Z", PAGE + 1)
    expect(visit.content.locator(".lines > .gap")).to_have_count(1)
    expect(visit.content.locator(".lines > .gap")).to_contain_text("line 11")


def test_the_logs_go_on_when_the_dashboard_was_started_again(visit: Visit) -> None:
    log = Log(1)
    shown(visit, log)
    expect(visit.content.locator(".lines > div")).to_have_count(1)
    log.is_silent = True
    visit.require_text("The dashboard does not answer")
    log.is_silent = False
    log.write("2026-01-31T12:00:01.000Z", 1)
    expect(visit.content.locator(".lines > div")).to_have_count(2)
    expect(visit.content).not_to_contain_text("The dashboard does not answer")
