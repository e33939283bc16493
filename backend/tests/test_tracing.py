"""Traces: sent where the standard variable says so; elsewhere not even imported."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from config.tracing import current_traceparent, trace_id_of
from tests.servers import RedisServer
from tests.traces import TRACE, Receiver, run

ASK = f"""
import config.wsgi
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
client = Client(SERVER_NAME="localhost", HTTP_TRACEPARENT="00-{TRACE}-b7ad6b7169203331-01")
address = "/api/v1/products?brand=very-private-words"
response = client.get(address, RAW_URI=address)  # as Gunicorn says it
assert response.status_code == 200, response.content
"""


def test_without_a_receiver_nothing_of_opentelemetry_is_imported(tmp_path: Path) -> None:
    code = "import sys; %s; import redis; "  # which imports it wherever it can
    code += "print([m for m in sys.modules if m.startswith('opentelemetry.') and sys.modules[m]])"
    assert run(code % "import config.wsgi", tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="").strip() == "[]"
    command = "sys.argv[1:] = ['check']; import manage; manage.main()"
    assert run(code % command, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="").splitlines()[-1] == "[]"


def test_a_request_and_its_sql_belong_to_the_caller_s_trace(tmp_path: Path, receiver: Receiver) -> None:
    names_of_attributes = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"}  # old and new ones
    run(ASK, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, **names_of_attributes)
    spans = receiver.spans()
    assert ("backend", "GET api/v1/products") in [(service, name) for service, name, _ in spans]
    statements = [attributes["db.statement"] for _, _, attributes in spans if "db.statement" in attributes]
    assert any(statement.startswith("SELECT") for statement in statements)
    assert not any(b"very-private-words" in body for body in receiver.bodies)


SERVE = f"""
import json, logging, sys
from config import wsgi
from config.logs import JsonFormatter
from django.core.management import call_command
from django.test import RequestFactory
from django.db import connection
call_command("migrate", verbosity=0)
flags = sys.argv[1]
request = RequestFactory(SERVER_NAME="localhost").get(
    "/api/v1/categories", HTTP_TRACEPARENT=f"00-{TRACE}-b7ad6b7169203331-{{flags}}"
)
statuses = []
b"".join(wsgi.application(request.environ, lambda status, headers: statuses.append(status)))
record = logging.LogRecord("shop", logging.INFO, "", 0, "text", (), None)
print(statuses, json.loads(JsonFormatter().format(record))["trace_id"])
"""


@pytest.mark.parametrize(
    ("flags", "sampler", "is_recorded"),
    [
        ("01", "parentbased_always_on", True),
        ("00", "parentbased_always_on", False),
        ("00", "always_on", True),
        ("01", "parentbased_traceidratio", True),
    ],
)
def test_a_request_is_recorded_if_the_sampler_takes_it_from_its_caller(
    tmp_path: Path, receiver: Receiver, flags: str, sampler: str, is_recorded: bool
) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_TRACES_SAMPLER": sampler}
    said = run(SERVE, tmp_path, flags, OTEL_TRACES_SAMPLER_ARG="0.0", **environment)
    assert said.strip() == f"['200 OK'] {TRACE}", "the trace is on the log lines in any case"
    names = {name for _, name, _ in receiver.spans()}
    assert names == ({"GET api/v1/categories", "SELECT"} if is_recorded else set())


ASK_WITHOUT_A_TRACE = """
import config.wsgi
from datetime import timedelta
from types import SimpleNamespace
from config.access import AccessLogger
from django.test import RequestFactory
environ = RequestFactory(SERVER_NAME="localhost").get("/api/v1/nothing").environ
b"".join(config.wsgi.application(environ, lambda status, headers: None))
logger = AccessLogger.__new__(AccessLogger)
logger.access_log = SimpleNamespace(info=lambda *words, extra: print(extra["fields"].get("trace_id")))
logger.access(SimpleNamespace(status="200 OK", headers=[]), SimpleNamespace(), environ, timedelta())
"""


def test_the_access_log_has_the_trace_of_a_request_whose_caller_began_none(
    tmp_path: Path, receiver: Receiver
) -> None:
    logged = run(ASK_WITHOUT_A_TRACE, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url).strip()
    requests = map(ExportTraceServiceRequest.FromString, receiver.bodies)
    scopes = [scope for body in requests for each in body.resource_spans for scope in each.scope_spans]
    assert {span.trace_id.hex() for scope in scopes for span in scope.spans} == {logged}


def test_where_traces_are_off_nothing_of_what_others_import_is_used(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_imported = ModuleType("opentelemetry.trace")  # as another thread sees what redis-py imports
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", half_imported)
    assert client.get("/health/").status_code == 200


def test_a_switched_off_sdk_sends_nothing(tmp_path: Path, receiver: Receiver) -> None:
    run(ASK, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_SDK_DISABLED="true")
    assert receiver.bodies == []


@pytest.mark.parametrize(
    ("header", "trace_id"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"00-{TRACE}-b7ad6b7169203331-01\n", ""),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", ""),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_only_a_valid_header_names_a_trace(header: str, trace_id: str) -> None:
    assert trace_id_of(header) == trace_id


RELAY = f"""
import config.wsgi
from config import tracing
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.shop import Person, variant_make
variant_make("A")
buyer = Person(headers={{"traceparent": "00-{TRACE}-b7ad6b7169203331-01", "Host": "localhost"}})
number = buyer.order("A")
from core.redis_client import redis_client
from events.relay import events_relay
assert events_relay() > 0
((_, entry),) = redis_client().xrange("shop.events", count=1)
print(entry[b"type"].decode(), entry[b"traceparent"].decode())
"""


def test_the_caller_s_trace_goes_with_the_event_to_whoever_reads_the_stream(
    tmp_path: Path, receiver: Receiver, redis_server: RedisServer
) -> None:
    said = run(RELAY, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, REDIS_URL=redis_server.url)
    kind, traceparent = said.split()
    relayed = [attributes for _, name, attributes in receiver.spans() if name == f"relay {kind}"]
    assert (kind, trace_id_of(traceparent)) == ("order.placed", TRACE)
    assert traceparent != f"00-{TRACE}-b7ad6b7169203331-01", "the worker's own span comes in between"
    assert relayed[0]["shop.aggregate"].startswith("order:")


def test_without_a_receiver_the_caller_s_trace_goes_with_the_event_all_the_same(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    said = run(RELAY, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="", REDIS_URL=redis_server.url)
    assert said.split() == ["order.placed", f"00-{TRACE}-b7ad6b7169203331-01"]


PAY = f"""
import config.wsgi
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.shop import Person, variant_make
variant_make("A")
buyer = Person(headers={{"traceparent": "00-{TRACE}-b7ad6b7169203331-01", "Host": "localhost"}})
number = buyer.order("A")
assert buyer.pay(number).status_code == 201
print(number)
"""


def test_a_request_is_recorded_with_the_order_and_the_provider_that_it_is_about(
    tmp_path: Path, receiver: Receiver
) -> None:
    number = run(PAY, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url).strip()
    subjects = {
        name: (attributes.get("shop.order"), attributes.get("shop.provider"))
        for _, name, attributes in receiver.spans()
        if name.startswith("POST ")
    }
    assert subjects["POST api/v1/checkout"] == (number, None)
    assert subjects["POST api/v1/orders/<number>/payments"] == (number, "sandbox")
    assert subjects["POST api/v1/cart/lines"] == (None, None)


PREPARE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""
ORDER = """
from datetime import timedelta
from django.utils import timezone
from orders.models import Order
from tests.shop import Person, variant_make
variant_make("A")
Person(headers={"Host": "localhost"}).order("A")
Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
"""
WORK = """
from config import tracing
import django
django.setup()
tracing.start("worker")
from operations.worker import Worker
print(Worker().run_round())
"""


def test_a_worker_that_finds_nothing_to_do_records_nothing(
    tmp_path: Path, receiver: Receiver, redis_server: RedisServer
) -> None:
    run(PREPARE, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="")
    said = run(WORK, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, REDIS_URL=redis_server.url)
    assert (said.strip(), receiver.names()) == ("0", [])


SCRAPE = """
from config import tracing
import django
django.setup()
tracing.start("backend")
from operations.shop_metrics import ShopCollector
print({metric.name for metric in ShopCollector().collect()} > {"shop_orders"})
"""


def test_reading_the_shops_metrics_records_nothing(tmp_path: Path, receiver: Receiver) -> None:
    run(PREPARE, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="")
    said = run(SCRAPE, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert (said.strip(), receiver.names()) == ("True", [])


def test_what_a_worker_does_is_recorded_with_its_sql(
    tmp_path: Path, receiver: Receiver, redis_server: RedisServer
) -> None:
    run(PREPARE + ORDER, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="")
    said = run(WORK, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, REDIS_URL=redis_server.url)
    assert int(said) == 3, "an order that expired, and two events of it"
    assert {"expire an order", "relay events", "UPDATE", "XADD XADD"} <= set(receiver.names())


FAIL = """
from config import tracing
tracing.start("worker")
try:
    with tracing.recorded("fail"):
        raise ValueError("Key (email)=(very-private-words) already exists.")
except ValueError:
    pass
"""


def test_what_an_exception_said_stays_in_the_log(tmp_path: Path, receiver: Receiver) -> None:
    run(FAIL, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    (body,) = receiver.bodies
    assert b"ValueError" in body
    assert b"very-private-words" not in body


def test_a_header_that_is_none_is_not_kept_for_the_next_request(client: Client, db: None) -> None:
    client.get("/health/", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    assert current_traceparent() == f"00-{TRACE}-b7ad6b7169203331-01"
    client.get("/health/", headers={"traceparent": "x" * 200})
    assert current_traceparent() == ""
