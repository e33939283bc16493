"""Metrics: at an address of their own, right over several workers, with few labels; else not imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.metrics_core import Metric

from config import env
from config.access import AccessLogger
from core import metrics
from events.models import OutboxEvent
from operations import shop_metrics
from operations.metrics_endpoint import WithMetrics
from tests.servers import RedisServer, free_port, wait_until
from tests.shop import SILENT, Person, variant_make

BACKEND = Path(__file__).resolve().parent.parent
REQUESTS = "http_server_request_duration_seconds"


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A running backend: its own address, that of its metrics, and the folder where it keeps files."""

    url: str
    metrics_url: str
    folder: Path

    def sample(self, name: str, **labels: str) -> float:
        """Return the sum of the samples that have these labels."""
        return sum(
            value
            for found, given, value in self.samples()
            if found == name and labels.items() <= given.items()
        )

    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        """Return name, labels and value of everything that is measured."""
        text = requests.get(self.metrics_url, timeout=60).text
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return [
            (name.partition("{")[0], dict(re.findall(r'(\w+)="([^"]*)"', name)), float(value))
            for name, _, value in lines
        ]


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Shop]:
    """Run Gunicorn with two workers until the end of the block."""
    port, metrics_port = free_port(), free_port()
    scratch = folder / "scratch"
    scratch.mkdir()
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.ci",
        "DATABASE_URL": f"sqlite:///{folder / 'shop.sqlite3'}",
        "VAULT_DISABLED": "true",
        "RUN_WORKER_IN_PROCESS": "false",
        "SEED_PRODUCTS": "20",
        "REDIS_URL": "",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "METRICS_ADDRESS": f"127.0.0.1:{metrics_port}",
        "TMPDIR": str(scratch),
        **environment,
    }
    prepare = [sys.executable, "manage.py", "prepare"]  # the first time it takes longer than a start may
    subprocess.run(prepare, cwd=BACKEND, env=variables, check=True, timeout=120)
    argv = [str(Path(sys.executable).parent / "gunicorn"), "config.wsgi:application"]
    process = subprocess.Popen(argv, cwd=BACKEND, env=variables, stderr=subprocess.DEVNULL)
    shop = Shop(
        url=f"http://127.0.0.1:{port}", metrics_url=f"http://127.0.0.1:{metrics_port}/metrics", folder=scratch
    )
    try:
        wait_until(lambda: _answers(f"{shop.url}/health/"), "the backend answers", deadline_s=90)
        yield shop
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with running(folder) as started:
        yield started
    assert not list((folder / "scratch").glob("metrics-*")), "the folder goes with the server"


def crowd(url: str, times: int) -> list[requests.Response]:
    """Ask so often, each time over a connection of its own, so that both workers take their part."""
    return [requests.get(url, timeout=60) for _ in range(times)]


def test_what_all_workers_counted_is_added_up_by_the_template_of_the_route(shop: Shop) -> None:
    slug = requests.get(f"{shop.url}/api/v1/products", timeout=60).json()["items"][0]["slug"]
    sent = 0

    def both_workers_counted() -> bool:
        nonlocal sent
        sent += len(crowd(f"{shop.url}/api/v1/products/{slug}", 10))
        used = {file.stem.rpartition("_")[2] for file in shop.folder.glob("metrics-*/histogram_*.db")}
        return len(used) == 2

    wait_until(both_workers_counted, "both workers have counted", deadline_s=90)
    labels = {"method": "GET", "route": "/api/v1/products/<slug>", "status": "200"}
    assert [shop.sample(f"{REQUESTS}_count", **labels) for _ in range(4)] == [sent] * 4, (
        "the same from each worker"
    )
    assert slug not in requests.get(shop.metrics_url, timeout=60).text


def test_a_flood_of_addresses_methods_and_names_makes_no_new_series(shop: Shop) -> None:
    with requests.Session() as session:
        for number in range(100):
            session.request(f"METHOD{number}", f"{shop.url}/health/", timeout=60)
            session.get(f"{shop.url}/nothing/{number}", timeout=60)
            session.get(f"{shop.url}/api/v1/products/{number}", headers={f"X-Name-{number}": "1"}, timeout=60)
            session.get(f"{shop.metrics_url}?name[]=invented_{number}", timeout=60)
    counts = [given for name, given, _ in shop.samples() if name == f"{REQUESTS}_count"]
    products = {"/api/v1/products", "/api/v1/products/<slug>"}
    assert {given["route"] for given in counts} - products == {"/health/", metrics.UNKNOWN_ROUTE}
    assert {given["method"] for given in counts} == {"GET", "OTHER"}
    assert len(shop.samples()) < 150


def test_metrics_are_at_their_own_address_alone(shop: Shop) -> None:
    base = shop.metrics_url.removesuffix("/metrics")
    assert requests.get(f"{shop.url}/metrics", timeout=60).status_code == 404
    assert requests.get(f"{base}/health/", timeout=60).status_code == 404
    assert requests.get(f"{base}/admin/", timeout=60).status_code == 404
    answer = requests.get(shop.metrics_url, headers={"Host": "anything"}, timeout=60)
    assert answer.headers["Content-Type"].startswith("text/plain; version=")


def test_cache_slots_connections_and_the_circuit_are_counted(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    redis.start()
    try:
        with running(tmp_path, REDIS_URL=redis.url, WEB_CONCURRENCY="1") as shop:
            slug = requests.get(f"{shop.url}/api/v1/products", timeout=60).json()["items"][0]["slug"]
            crowd(f"{shop.url}/api/v1/products/{slug}", 3)
            reads = "shop_cache_reads_total"
            assert shop.sample(reads, cache="product", result="miss") == 1
            assert shop.sample(reads, cache="product", result="hit") == 2
            labels = {"method": "GET", "route": "/api/v1/products/<slug>", "status": "200"}
            assert shop.sample(f"{REQUESTS}_count", **labels) == 3, "a hit has the route of a miss"
            assert shop.sample("shop_database_connections_opened_total") >= 1
            assert shop.sample("http_server_active_requests") == 0
            redis.kill()
            crowd(f"{shop.url}/api/v1/products/{slug}", 2)
            assert shop.sample(reads, cache="product", result="unavailable") == 2
            opened = shop.sample("shop_redis_circuit_opened_total", circuit="cache")
            assert opened >= 1  # more on a slow machine, where Redis is tried again
    finally:
        redis.kill()


def test_refused_logins_are_counted_under_the_name_of_the_limit(tmp_path: Path) -> None:
    with running(tmp_path, WEB_CONCURRENCY="1", LIMIT_LOGINS_PER_ACCOUNT_AND_ADDRESS="2/hour") as shop:
        for _ in range(3):
            body = {"email": "somebody@example.com", "password": "wrong"}
            requests.post(f"{shop.url}/api/v1/accounts/login", json=body, timeout=60)
        assert shop.sample("shop_throttled_total", limit="login-account-address") == 1
        assert shop.sample("shop_slots_in_use", slots="password-hashing") == 0


def values_of(collected: Iterable[Metric]) -> dict[str, float]:
    """Return what a collector says: the name, with a state behind it where there is one."""
    samples = [sample for metric in collected for sample in metric.samples]
    return {" ".join((one.name, *one.labels.values())): one.value for one in samples}


@pytest.mark.django_db
def test_the_state_of_the_shop_is_what_the_database_says() -> None:
    variant_make("A")
    Person().order("A")
    unsettled, paid = Person(), Person()
    unsettled.pay(unsettled.order("A"), SILENT)
    paid.pay(paid.order("A"))
    now = timezone.now()
    said = values_of(shop_metrics.shop_metrics(now))
    assert said["shop_orders pending_payment"] == 2
    assert said["shop_orders paid"] == 1
    assert said["shop_orders refunded"] == 0
    assert said["shop_reservations"] == 2
    assert said["shop_reservations_overdue"] == 0
    assert said["shop_payments_unsettled"] == 1
    assert said["shop_refunds_unsettled"] == 0
    assert said["shop_outbox_events"] == OutboxEvent.objects.count()
    oldest = OutboxEvent.objects.earliest("id").created_at
    assert said["shop_outbox_lag_seconds"] == (now - oldest).total_seconds()
    later = values_of(shop_metrics.shop_metrics(now + timedelta(hours=1)))
    assert (later["shop_reservations"], later["shop_reservations_overdue"]) == (0, 2)
    assert later["shop_payments_unsettled_seconds"] > 3590


@pytest.mark.django_db
def test_the_state_of_a_large_shop_costs_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop_metrics, "LIMIT", 3)
    OutboxEvent.objects.bulk_create(OutboxEvent(type="t", aggregate="a") for _ in range(10))
    with CaptureQueriesContext(connection) as asked:
        said = values_of(shop_metrics.shop_metrics(timezone.now()))
    assert said["shop_outbox_events"] == 3
    assert len(asked) == 8
    assert all(" LIMIT " in query["sql"] for query in asked.captured_queries)


@pytest.mark.django_db(transaction=True)
def test_many_scrapes_ask_the_database_once_for_a_while() -> None:
    collector = shop_metrics.ShopCollector()
    first = values_of(collector.collect())
    with CaptureQueriesContext(connection) as asked:
        assert values_of(collector.collect()) == first
    assert (len(asked), first["shop_database_up"]) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_without_its_database_the_shop_says_so_and_keeps_its_other_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_answer(_: object) -> Iterator[Metric]:
        raise OperationalError("no answer")

    monkeypatch.setattr(shop_metrics, "shop_metrics", no_answer)
    assert values_of(shop_metrics.ShopCollector().collect()) == {"shop_database_up": 0}


def test_without_an_address_nothing_of_the_client_is_imported(tmp_path: Path) -> None:
    code = "import sys, config.wsgi; print([m for m in sys.modules if m.startswith('prometheus')])"
    variables = {**os.environ, "METRICS_ADDRESS": "", "DJANGO_SETTINGS_MODULE": "config.settings.ci",
                 "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}", "REDIS_URL": ""}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BACKEND, env=variables, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("value", ["9464", "host:", ":9464", "host:0", "host:65536", "host:port"])
def test_an_address_is_a_host_and_a_port(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("METRICS_ADDRESS", value)
    with pytest.raises(env.BadEnvironment, match=r"METRICS_ADDRESS=.* is not HOST:PORT"):
        env.address("METRICS_ADDRESS")


@pytest.mark.parametrize(
    ("path", "status", "lines"),
    [("/metrics", "200 OK", 0), ("/metrics", "500 Internal Server Error", 1), ("/other", "404 Not Found", 1)],
)
def test_metrics_that_were_given_have_no_line_in_the_log(path: str, status: str, lines: int) -> None:
    environ: dict[str, Any] = {"SERVER_PORT": "9464", "PATH_INFO": path}
    endpoint = WithMetrics(lambda *_: [], port=9464)
    endpoint.metrics = lambda *_: []
    endpoint(environ, lambda *_: None)
    written: list[object] = []
    logger = AccessLogger.__new__(AccessLogger)
    logger.access_log = SimpleNamespace(info=lambda *words, extra: written.append(extra))  # type: ignore[assignment]
    response = SimpleNamespace(status=status, headers=[])
    logger.access(response, SimpleNamespace(), environ, timedelta(milliseconds=3))
    assert len(written) == lines
