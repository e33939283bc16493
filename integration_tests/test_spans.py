"""What the recorder is sent of requests that the services are told not to record."""

from __future__ import annotations

import pytest

import patience
import shop
from buyers import crowd
from shop import NoAnswerError, Service, Trace
from spans import ERROR, OK, of_unrecorded, route


@pytest.fixture
def own_trace(monkeypatch: pytest.MonkeyPatch) -> Trace:
    """Give the requests of a test a trace that nobody is sent."""
    own = Trace()
    own.begin()
    monkeypatch.setattr(shop, "trace", own)
    return own


def flag(own_trace: Trace, *, recorded: bool = True) -> str:
    """Return what a request says now of whether the services are to record it."""
    return own_trace.headers(recorded=recorded)["traceparent"][-2:]


def test_of_a_crowd_the_services_record_one_buyer(own_trace: Trace) -> None:
    with crowd("http://127.0.0.1:1", 4) as buyers:
        flags = [flag(own_trace, recorded=buyer.service.recorded) for buyer in buyers]
        for buyer in buyers:
            assert not buyer.headers  # so nothing is undone at the end
    assert flags == ["01", "00", "00", "00"]


def test_of_a_wait_the_services_record_the_first_question(
    own_trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "trace", own_trace)
    flags: list[str] = []
    waits = patience.Patience(sleep=lambda _: None)
    waits.wait_until(lambda: flags.append(flag(own_trace)) or len(flags) == 3, lambda: "")
    assert [*flags, flag(own_trace)] == ["01", "00", "00", "01"]


def test_what_tidies_up_is_a_span_of_the_tests(own_trace: Trace, failing_url: str) -> None:
    with Service(url=failing_url) as service, own_trace.quietly():
        service.get("/degraded/health")
    assert [each.exchange.request for each in own_trace.unrecorded] == ["GET /degraded/health"]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/api/v1/orders/X07QSB4N1WYAATVW/payments", "/api/v1/orders/{id}/payments"),
        ("/api/v1/products/fjord-quiet-atlas-998?x=1", "/api/v1/products/{id}"),
        ("/api/v1/cart/lines", "/api/v1/cart/lines"),
        ("/health", "/health"),
    ],
)
def test_a_span_is_named_by_its_route(path: str, named: str) -> None:
    assert route(path) == named


def test_a_request_that_is_not_recorded_is_a_span_of_the_test_with_its_answer(
    own_trace: Trace, failing_url: str
) -> None:
    with Service(url=failing_url, recorded=False) as service:
        service.get("/degraded/health")
        service.get("/products")
    well, failed = map(of_unrecorded, own_trace.unrecorded)
    assert (well["name"], well["status"]) == ("GET /degraded/health", {"code": OK})
    assert failed["status"] == {"code": ERROR, "message": "HTTP 500 boom"}
    assert {"key": "request.id", "value": {"stringValue": "id-of-the-request"}} in failed["attributes"]
    assert int(failed["startTimeUnixNano"]) < int(failed["endTimeUnixNano"])


def test_a_request_without_an_answer_is_a_failed_span(own_trace: Trace, closed_url: str) -> None:
    with Service(url=closed_url, recorded=False) as service, pytest.raises(NoAnswerError):
        service.get("/products")
    (span,) = map(of_unrecorded, own_trace.unrecorded)
    assert span["status"]["code"] == ERROR
    assert span["status"]["message"].startswith("no answer, ConnectionRefusedError")


def test_what_the_services_record_is_no_span_of_the_tests(own_trace: Trace, failing_url: str) -> None:
    with Service(url=failing_url) as service:
        service.get("/products")
    assert own_trace.unrecorded == []
