"""From what services say about themselves to what is drawn."""

from __future__ import annotations

import math

import pytest
from dashboard import charts, readings
from dashboard.charts import Point
from dashboard.readings import Reading

TEXT = """
# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{method="GET",route="/a",status="200",le="0.1"} 3
http_server_request_duration_seconds_bucket{method="GET",route="/a",status="200",le="+Inf"} 4
http_server_request_duration_seconds_bucket{method="GET",route="/b",status="503",le="0.1"} 1
http_server_request_duration_seconds_bucket{method="GET",route="/b",status="503",le="+Inf"} 1
http_server_request_duration_seconds_count{method="GET",route="/a",status="200"} 4
http_server_request_duration_seconds_count{method="GET",route="/b",status="503"} 1
# TYPE shop_worker_jobs_total counter
shop_worker_jobs_total{job="relay events",outcome="done"} 7
shop_worker_jobs_total{job="relay events",outcome="failed"} 2
# TYPE shop_orders gauge
shop_orders{state="paid"} 12
shop_orders{state="<script>"} 1
# TYPE shop_outbox_lag_seconds gauge
shop_outbox_lag_seconds 0.25
"""


def test_requests_jobs_orders_and_the_outbox_are_read() -> None:
    assert readings.read(TEXT) == Reading(
        requests=5.0,
        errors=1.0,
        buckets={0.1: 4.0, math.inf: 5.0},
        jobs=9.0,
        failed_jobs=2.0,
        orders={"paid": 12.0, "<script>": 1.0},
        outbox_lag_s=0.25,
    )


def test_what_a_service_does_not_count_is_not_made_up() -> None:
    assert readings.read("up 1\n") == Reading()


def test_values_that_are_no_numbers_are_left_out() -> None:
    text = 'shop_orders{state="paid"} NaN\nshop_outbox_lag_seconds +Inf\n'
    assert readings.read(text) == Reading()


def test_states_beyond_the_limit_are_put_together() -> None:
    text = "".join(f'shop_orders{{state="s{number}"}} 1\n' for number in range(100))
    orders = readings.read(text).orders
    assert len(orders) == readings.STATES_LIMIT + 1
    assert orders[readings.OTHERS] == 100 - readings.STATES_LIMIT


@pytest.mark.parametrize("text", ["<html>", "a{", 'a{b="c} 1', "\x00"])
def test_another_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        readings.read(text)


def points(title: str, timed: list[charts.Timed]) -> list[Point]:
    every = {chart.title: chart for chart in (*charts.of_service(timed), *charts.of_shop(timed))}
    return every[title].points


def test_a_rate_is_that_of_the_window_before_it() -> None:
    timed: list[charts.Timed] = [(at, Reading(requests=2.0 * at)) for at in (0.0, 5.0, 10.0, 15.0)]
    timed.append((20.0, Reading(requests=2.0 * 15 + 60)))
    assert points("requests", timed) == [(0.0, None), (5.0, 2.0), (10.0, 2.0), (15.0, 2.0), (20.0, 80 / 15)]


def test_a_service_that_began_anew_has_no_negative_rate() -> None:
    assert points("requests", [(0.0, Reading(requests=100)), (5.0, Reading(requests=10))])[1] == (5.0, 2.0)


def test_no_value_reaches_over_a_gap() -> None:
    silent: list[charts.Timed] = [(0.0, Reading(requests=0)), (5.0, None), (10.0, Reading(requests=50))]
    assert points("requests", silent) == [(0.0, None), (5.0, None), (10.0, None)]
    unwatched: list[charts.Timed] = [(0.0, Reading(requests=0)), (300.0, Reading(requests=50))]
    assert points("requests", unwatched) == [(0.0, None), (300.0, None)]


def test_the_share_of_errors_is_one_of_the_requests_meanwhile() -> None:
    before, after = Reading(requests=100, errors=100), Reading(requests=108, errors=102)
    assert points("errors", [(0.0, before), (5.0, after)])[1] == (5.0, 0.25)
    assert points("errors", [(0.0, before), (5.0, before)])[1] == (5.0, None)


def test_the_percentile_is_one_of_the_requests_meanwhile() -> None:
    before = Reading(requests=100, buckets={0.1: 0.0, 1.0: 100.0, math.inf: 100.0})
    after = Reading(requests=120, buckets={0.1: 20.0, 1.0: 120.0, math.inf: 120.0})
    (_, first), (_, value) = points("95th percentile", [(0.0, before), (5.0, after)])
    assert first is None
    assert value == pytest.approx(0.095)


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ({0.1: 90.0, 0.2: 100.0, math.inf: 100.0}, 0.15),
        ({0.1: 90.0, 0.2: 90.0, math.inf: 100.0}, 0.2),  # slower than every bound: the last one is shown
        ({0.1: 0.0, math.inf: 0.0}, None),
        ({}, None),
    ],
)
def test_a_quantile_is_computed_as_prometheus_does(
    buckets: dict[float, float], expected: float | None
) -> None:
    assert charts.quantile(0.95, buckets) == (None if expected is None else pytest.approx(expected))


def test_jobs_are_charts_of_who_has_them_and_so_is_the_state_of_the_shop() -> None:
    timed: list[charts.Timed] = [
        (0.0, Reading(jobs=10, orders={"paid": 1, "pending_payment": 3}, outbox_lag_s=0.5)),
        (5.0, Reading(jobs=20, failed_jobs=5, orders={"paid": 2, "pending_payment": 1}, outbox_lag_s=0.0)),
    ]
    assert [chart.title for chart in charts.of_service(timed)] == ["jobs", "failed jobs"]
    assert points("failed jobs", timed)[1] == (5.0, 0.5)
    assert points("orders: paid", timed) == [(0.0, 1), (5.0, 2)]
    assert points("orders: pending payment", timed) == [(0.0, 3), (5.0, 1)]
    assert points("outbox lag", timed) == [(0.0, 0.5), (5.0, 0.0)]
