"""The dashboard while the stack is well: each view, in both colours, by keyboard, with hostile text."""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.request

import pytest
from playwright.sync_api import Browser, Route, expect

from browser.conftest import PICTURES
from browser.stack import Stack
from browser.visit import VIEWS, Visit
from stack import errors
from stack.system.directories import ROOT

SERVICES = ("postgres", "redis", "backend", "worker", "api-gateway", "dashboard")
MARKUP = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
ESCAPES = "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link \u202etxet desrever\u202c \u061c\u2028"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\u061c\u2028-\u202e\u2066-\u2069]")


def test_the_token_leaves_the_address_at_once(visit: Visit) -> None:
    expect(visit.page).to_have_url(f"{visit.origin}/#/services")


def test_services_are_shown_with_their_states_their_graph_and_their_start(visit: Visit, stack: Stack) -> None:
    for service in SERVICES:
        row = visit.content.get_by_role("row", name=re.compile(f"^{service} "))
        expect(row).to_contain_text("ready")
        expect(row).to_contain_text(f"inv restart {service} --stack {stack.name}")
    graph = visit.content.get_by_role("img", name=re.compile("^Dependency graph"))
    expect(graph).to_contain_text(re.compile("backend *ready"))
    expect(graph).to_have_attribute("aria-label", re.compile("api-gateway needs backend"))
    start = visit.content.get_by_role("img", name=re.compile("decided how long it took"))
    expect(start).to_contain_text("postgres")
    expect(visit.page.locator("#phase")).to_have_text("up")


def test_a_request_is_followed_from_its_log_line_to_its_sql(visit: Visit, stack: Stack) -> None:
    trace = stack.traced_request(f"/api/v1/products?limit=2&search={secrets.token_hex(4)}")
    visit.page.goto(f"{visit.origin}/#/logs?identity={trace}")
    visit.require_text("api-gateway", "backend")
    visit.open_trace(trace, spans=4)
    expect(visit.spans(re.compile("^api-gateway GET .api.v1")).first).to_be_visible()
    expect(visit.spans(re.compile("^backend GET api")).first).to_be_visible()
    visit.spans(re.compile("^backend SELECT … FROM .catalog_product")).first.click()
    visit.require_text(re.compile(r"db\.statement|db\.query\.text"))
    visit.picture("trace")


def test_the_tests_of_a_run_are_shown_with_their_traces(visit: Visit, stack: Stack) -> None:
    stack.inv("test test_health")
    visit.go("Tests")
    visit.require_text(re.compile(r"^\d+ passed"), "test_health")
    expect(visit.content.get_by_role("link", name="trace").first).to_be_visible()
    visit.picture("tests")


def test_a_failed_test_stands_first_with_its_message_and_its_trace(visit: Visit, stack: Stack) -> None:
    file = ROOT / "integration_tests" / f"test_zz_{secrets.token_hex(3)}.py"
    try:
        file.write_text(
            "def test_that_fails(backend):\n    assert backend.get('/api/v1/products').status_code == 418\n"
        )
        stack.inv(f"test {file.stem}", code=errors.TestsFailed.code)
    finally:
        file.unlink()
    visit.go("Tests")
    visit.require_text("1 of 1 failed")
    first = visit.content.get_by_role("row", name=re.compile("test_that_fails"))
    expect(first).to_contain_text("assert 200 == 418")
    visit.picture("failed-test")
    first.get_by_role("link", name="trace").click()
    expect(visit.spans(re.compile("test_that_fails")).first).to_be_visible()
    visit.require_text("AssertionError: assert 200 == 418")
    expect(visit.spans(re.compile("^backend GET api")).first).to_be_visible()
    visit.picture("failed-test-trace")


def test_every_view_can_be_read_in_both_colours(
    chromium: Browser, address: str, scheme: str, stack: Stack
) -> None:
    stack.traced_request()
    with Visit.open(chromium, address, pictures=PICTURES, color_scheme=scheme) as visit:
        for view in VIEWS:
            visit.go(view)
            expect(visit.content.locator("table, .lines > *, figure, .empty").first).to_be_visible()
            visit.require_readable()
            visit.picture(f"{view.lower()}-{scheme}")
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
        visit.require_quiet()


def test_the_keyboard_reaches_every_view_and_shows_where_it_is(visit: Visit) -> None:
    visit.require_view("Services")
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for view in VIEWS:
        visit.page.keyboard.press("Tab")
        link = visit.page.get_by_role("navigation").get_by_role("link", name=view)
        expect(link).to_be_focused()
        assert visit.focused()["outline"] >= 2
        visit.page.keyboard.press("Enter")
        visit.require_view(view)
        link.focus()
    visit.page.keyboard.press("Tab")
    expect(visit.page.locator("#run")).to_be_focused()
    assert visit.focused()["outline"] == 2


def test_the_link_to_the_content_stays_in_the_view(visit: Visit) -> None:
    visit.go("Runs")
    visit.page.get_by_role("link", name="Skip to the content").press("Enter")
    expect(visit.content).to_be_focused()
    visit.require_view("Runs")


@pytest.mark.parametrize("key", range(1, len(VIEWS) + 1))
def test_a_number_key_opens_a_view(visit: Visit, key: int) -> None:
    visit.page.keyboard.press(str(key))
    visit.require_view(VIEWS[key - 1])


def test_a_span_is_chosen_by_keyboard(visit: Visit, stack: Stack) -> None:
    trace = stack.traced_request()
    visit.go("Traces")
    visit.content.locator(f"tr.pick a[href$='{trace}']").focus()
    visit.page.keyboard.press("Enter")
    visit.spans(re.compile("^backend SELECT … FROM .catalog_product")).first.focus()
    at = visit.focused()
    assert at["outline"] >= 2
    visit.page.keyboard.press("Enter")
    expect(visit.content.get_by_role("heading")).to_have_text("backend: SELECT")
    assert at["name"].startswith("backend SELECT ")


def test_slash_goes_to_the_search_of_the_logs(visit: Visit) -> None:
    visit.go("Logs")
    visit.page.keyboard.press("/")
    expect(visit.page.locator("#search")).to_be_focused()
    visit.page.keyboard.type("1 or 2", delay=400)  # slower than the filter: each letter changes the view
    visit.require_text("No line fits.")
    expect(visit.page.locator("#search")).to_have_value("1 or 2")
    visit.require_view("Logs")


@pytest.mark.parametrize(
    ("key", "module", "text"), [("2", "logs", "No line fits."), ("3", "traces", "No trace fits.")]
)
def test_keys_are_not_lost_while_a_view_is_fetched(visit: Visit, key: str, module: str, text: str) -> None:
    held: list[Route] = []
    visit.page.route(f"**/{module}.js", lambda route: held.append(route))
    visit.page.keyboard.press(key)
    visit.page.keyboard.press("/")
    visit.page.keyboard.type("1 or 2")  # the digits are no keys of views here
    expect(visit.page.locator("#search")).to_have_value("1 or 2")
    visit.wait_until(lambda: bool(held), f"{module}.js is asked for")
    held.pop().continue_()
    visit.require_text(text)
    expect(visit.page.locator("#search")).to_be_focused()
    expect(visit.page.locator("#search")).to_have_value("1 or 2")
    expect(visit.page).to_have_url(re.compile(rf"#/{module}\?words=1\+or\+2"))


@pytest.mark.parametrize(("field", "key"), [("Search", "words"), ("Id", "identity")])
def test_a_field_that_is_typed_into_is_not_replaced(visit: Visit, field: str, key: str) -> None:
    """Else a letter that comes while the lines are fetched would be lost."""
    visit.go("Logs")
    place, words = visit.page.get_by_label(field, exact=True), secrets.token_hex(8)
    place.press_sequentially(words)
    before = place.element_handle()
    expect(visit.page).to_have_url(re.compile(rf"#/logs\?.*{key}={words}"))
    visit.require_text("No line fits.")
    assert before is not None
    assert before.evaluate("element => element.isConnected && element === document.activeElement")


def test_hostile_log_lines_are_text(visit: Visit, stack: Stack) -> None:
    """Redis writes into its log what a client's script says."""
    mark = secrets.token_hex(6)
    script = "redis.log(redis.LOG_WARNING, ARGV[1]) return 1"
    assert stack.redis("EVAL", script, "0", f"{mark} {MARKUP} {ESCAPES}") == b":1\r\n"
    visit.page.goto(f"{visit.origin}/#/logs?words={mark}")
    visit.require_text(MARKUP, "red")
    text = visit.content.locator(".lines .text").last.inner_text()
    assert CONTROLS.findall(text) == []
    assert "\\u202etxet desrever" in text
    assert "taken" not in visit.page.title()
    visit.picture("hostile-log")


def test_hostile_spans_are_text(visit: Visit) -> None:
    trace, now = secrets.token_hex(16), time.time_ns()
    attributes = [{"key": MARKUP, "value": {"stringValue": f"{MARKUP} {ESCAPES}"}}]
    span = {
        "traceId": trace,
        "spanId": secrets.token_hex(8),
        "name": f"{MARKUP} {ESCAPES}",
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 10_000_000),
        "attributes": attributes,
    }
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": f"{MARKUP}\u202e"}}]}
    document = {"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": [span]}]}]}
    request = urllib.request.Request(
        f"{visit.origin}/v1/traces",
        data=json.dumps(document).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    visit.open_trace(trace, spans=1)
    text = visit.content.inner_text()
    assert MARKUP in text
    assert CONTROLS.findall(text) == []
    assert "taken" not in visit.page.title()
    visit.picture("hostile-span")


HIDE = """() => {
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_tabs_that_nobody_sees_leave_room_for_the_one_that_is_seen(visit: Visit, address: str) -> None:
    """Chromium has six connections to a server; the first tab keeps one, for which the metrics go on."""
    for _ in range(8):
        visit.page.evaluate(HIDE)
        visit.page = visit.page.context.new_page()
        visit.page.goto(address)
        expect(visit.page.locator("#run option").first).to_be_attached()
    visit.go("Logs")
    visit.require_text("backend")


@pytest.mark.parametrize("token", ["?token=wrong", ""])
def test_a_wrong_token_is_a_sentence(chromium: Browser, address: str, token: str) -> None:
    page, _, _ = address.partition("?")
    with Visit.open(chromium, f"{page}{token}", pictures=PICTURES) as visit:
        expect(visit.page.locator("body")).to_have_text(
            "The token is missing or wrong: `inv dashboard` prints the address with it."
        )
        visit.picture("wrong-token")
        visit.require_quiet()
