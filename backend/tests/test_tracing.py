"""Traces: sent where the standard variable says so; elsewhere not even imported."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from config.tracing import trace_id_of

BACKEND = Path(__file__).resolve().parent.parent
TRACE = "0af7651916cd43dd8448eb211c80319c"
ASK = f"""
import config.wsgi
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
client = Client(SERVER_NAME="localhost", HTTP_TRACEPARENT="00-{TRACE}-b7ad6b7169203331-01")
response = client.get("/api/v1/products?brand=very-private-words")
assert response.status_code == 200, response.content
"""


class Receiver:
    """A server that keeps what is exported to it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        keep = self.bodies.append

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                keep(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[tuple[str, str, dict[str, str]]]:
        """Return service, name and attributes of each span of the trace."""
        found = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {a.key: a.value.string_value for a in resource.resource.attributes}
                spans = [span for scope in resource.scope_spans for span in scope.spans]
                found += [
                    (named["service.name"], span.name, {a.key: a.value.string_value for a in span.attributes})
                    for span in spans
                    if span.trace_id.hex() == TRACE
                ]
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.server.shutdown()
    server.server.server_close()


def run(code: str, tmp_path: Path, **environment: str) -> str:
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}",
        "VAULT_DISABLED": "true",
        "REDIS_URL": "",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BACKEND, env=variables, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_a_receiver_nothing_of_opentelemetry_is_imported(tmp_path: Path) -> None:
    code = "import sys, config.wsgi; print([m for m in sys.modules if m.startswith('opentelemetry')])"
    assert run(code, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="").strip() == "[]"


def test_a_request_and_its_sql_belong_to_the_caller_s_trace(tmp_path: Path, receiver: Receiver) -> None:
    run(ASK, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    spans = receiver.spans()
    assert ("backend", "GET api/v1/products") in [(service, name) for service, name, _ in spans]
    statements = [attributes["db.statement"] for _, _, attributes in spans if "db.statement" in attributes]
    assert any(statement.startswith("SELECT") for statement in statements)
    assert not any("very-private-words" in statement for statement in statements)


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
