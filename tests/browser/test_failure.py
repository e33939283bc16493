"""The dashboard while Postgres is dead: which service it is and why, what failed, and where."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser.conftest import PICTURES
from browser.stack import Stack, wait_until
from browser.visit import Visit


@pytest.fixture(scope="module")
def broken(stack: Stack) -> Iterator[Stack]:
    """The stack whose Postgres was killed; it is well again afterwards."""
    stack.kill("postgres")
    stack.wait_for_state("postgres", "exited")
    yield stack
    stack.inv("start postgres")
    wait_until(lambda: stack.get("BACKEND_URL", "/health/ready/") == 200, "the backend is ready again")


@pytest.fixture(scope="module")
def failed_trace(broken: Stack) -> str:
    """The id of a trace whose request failed."""
    trace = secrets.token_hex(16)
    traceparent = f"00-{trace}-{secrets.token_hex(8)}-01"
    path = f"/api/v1/products?limit=3&search={secrets.token_hex(4)}"
    assert broken.get("GATEWAY_URL", path, {"traceparent": traceparent}) >= 500
    return trace


def test_the_page_that_is_open_tells_of_the_death(chromium: Browser, address: str, stack: Stack) -> None:
    """Without a reload: the page is told by the stack."""
    with Visit.open(chromium, address) as visit:
        row = visit.content.get_by_role("row", name=re.compile("^worker "))
        expect(row).to_contain_text("ready")
        stack.kill("worker")
        expect(row).to_contain_text("exited")
        expect(visit.page.get_by_role("alert")).to_contain_text("worker: exited")
        expect(visit.page.get_by_role("status")).to_have_text("worker exited")
        stack.inv("start worker")
        expect(row).to_contain_text("ready")
        expect(visit.page.get_by_role("alert")).to_have_count(0)
        expect(visit.page.get_by_role("status")).to_have_text("up")
        visit.require_quiet()


def test_the_cause_stands_first_with_what_to_type(
    chromium: Browser, address: str, broken: Stack, scheme: str
) -> None:
    with Visit.open(chromium, address, pictures=PICTURES, color_scheme=scheme) as visit:
        alert = visit.page.get_by_role("alert")
        expect(alert).to_contain_text("postgres: exited")
        expect(visit.page.get_by_role("status")).to_have_text("postgres exited")
        expect(alert).to_contain_text("SIGKILL")
        expect(alert).to_contain_text(f"inv logs postgres --stack {broken.name}")
        row = visit.content.get_by_role("row", name=re.compile("^postgres "))
        expect(row).to_contain_text("exited")
        visit.require_readable()
        visit.picture(f"failure-{scheme}")
        alert.get_by_role("link", name="its log here").click()
        visit.require_view("Logs")
        visit.require_text("postgres")


def test_the_log_line_of_a_failed_request_leads_to_its_trace(visit: Visit, failed_trace: str) -> None:
    visit.page.goto(f"{visit.origin}/#/logs?identity={failed_trace}")
    line = visit.content.locator(".lines > .warning", has_text="backend").first
    expect(line).to_contain_text("the database connection was lost")
    visit.picture("failure-log")
    line.get_by_role("link", name="trace").click()
    failing = visit.spans().filter(has=visit.page.locator(".fails"))
    expect(failing.filter(has_text="backend").first).to_be_visible()
    expect(failing.filter(has_text="gateway").first).to_be_visible()
    cause = visit.content.get_by_role("heading", level=2)  # its events have smaller ones
    expect(cause).to_have_text(re.compile("^backend: "))  # also where it came last
    visit.picture("failure-trace")


def test_failed_traces_can_be_put_first(visit: Visit, failed_trace: str) -> None:
    visit.go("Traces")
    visit.page.get_by_label("Order").select_option("failed")
    expect(visit.content.locator("tr.pick").first).to_contain_text("failed")
    visit.picture("failure-traces")
