"""What the recorder is sent of requests that the services are told not to record."""

from __future__ import annotations

import pytest

import shop
from buyers import RECORDED, crowd
from shop import NoAnswerError, Service, Trace
from spans import ERROR, OK, of_unrecorded


@pytest.fixture
def own_trace(monkeypatch: pytest.MonkeyPatch) -> Trace:
    """Give the requests of a test a trace that nobody is sent."""
    own = Trace()
    own.begin()
    monkeypatch.setattr(shop, "trace", own)
    return own


def test_of_a_crowd_every_tenth_buyer_is_recorded_by_the_services(own_trace: Trace) -> None:
    with crowd("http://127.0.0.1:1", 2 * RECORDED + 1) as buyers:
        flags = [own_trace.headers(recorded=buyer.service.recorded)["traceparent"][-2:] for buyer in buyers]
        for buyer in buyers:
            assert not buyer.headers  # so nothing is undone at the end
    assert flags == (["01"] + ["00"] * (RECORDED - 1)) * 2 + ["01"]


def test_a_request_that_is_not_recorded_is_a_span_of_the_test_with_its_answer(
    own_trace: Trace, failing_url: str
) -> None:
    with Service(url=failing_url, recorded=False) as service:
        service.get("/degraded/health")
        service.get("/products")
    well, failed = map(of_unrecorded, own_trace.unrecorded)
    assert (well["name"], well["status"]) == ("GET /degraded/health 200", {"code": OK})
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
