"""Traces: sent where the standard variable says so; elsewhere the SDK is not even imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from gateway.tracing import trace_id_of
from tests.backend import Backend
from tests.ports import closed_port

GATEWAY = Path(__file__).resolve().parent.parent
TRACE = "0af7651916cd43dd8448eb211c80319c"
HEADER = f"00-{TRACE}-b7ad6b7169203331-01"


class Receiver(ThreadingHTTPServer):
    """A server that keeps what is exported to it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def names(self) -> list[tuple[str, str]]:
        """Return kind and name of each span of the test's trace."""
        spans = [span for span in self._spans() if span.trace_id.hex() == TRACE]
        return sorted((Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"), span.name) for span in spans)

    def root_trace_ids(self, name: str) -> list[str]:
        """Return the trace ids of the spans of a name that have no parent."""
        return sorted(
            span.trace_id.hex() for span in self._spans() if span.name == name and not span.parent_span_id
        )

    def services(self) -> set[str]:
        """Return the names of the services that exported spans."""
        attributes = [one for resource in self._resources() for one in resource.resource.attributes]
        return {one.value.string_value for one in attributes if one.key == "service.name"}

    def _spans(self) -> list[Span]:
        scopes = [scope for resource in self._resources() for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    def _resources(self) -> list[ResourceSpans]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [resource for request in requests for resource in request.resource_spans]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(backend: Backend, **environment: str) -> Iterator[str]:
    """Run ``python -m gateway`` and give its address once it answers."""
    with closed_port() as port:
        variables = {
            **os.environ,
            "BACKEND_URL": backend.url,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            **environment,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway"], cwd=GATEWAY, env=variables, stderr=subprocess.DEVNULL
        )
        try:
            url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
            while not _answers(f"{url}/docs"):
                assert time.monotonic() < deadline, "the gateway does not answer within 60 s"
                time.sleep(0.02)
            yield url
        finally:
            process.terminate()  # what is recorded is sent before it ends
            process.wait(20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.shutdown()
    server.server_close()


def trace_header(request: dict[str, Any]) -> str:
    """Return the one `traceparent` of a request that the backend has seen."""
    (value,) = [value for name, value in request["headers"] if name.lower() == "traceparent"]
    return str(value)


def ask(url: str, path: str, header: str | None = HEADER) -> None:
    request = urllib.request.Request(url + path, headers={"traceparent": header} if header else {})
    with urllib.request.urlopen(request, timeout=10) as response:
        response.read()


def test_a_request_is_one_trace_from_the_client_to_the_backend(backend: Backend, receiver: Receiver) -> None:
    address = f"http://127.0.0.1:{receiver.server_port}"
    names_of_attributes = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"}  # old and new ones
    with running(backend, OTEL_EXPORTER_OTLP_ENDPOINT=address, **names_of_attributes) as url:
        ask(url, "/api/v1/products?q=very-private-words")
    assert receiver.names() == [("CLIENT", "GET"), ("SERVER", "GET /api/v1/{path}")]
    (sent,) = [dict(request["headers"])["traceparent"] for request in backend.seen]
    assert sent.split("-")[1] == TRACE
    assert sent != HEADER
    assert receiver.services() == {"api-gateway"}
    assert not any(b"very-private-words" in body for body in receiver.bodies)


RATIO = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}


@pytest.mark.parametrize("header", [None, HEADER.removesuffix("1") + "0", "nonsense"])
def test_a_request_that_is_not_sampled_carries_its_trace_in_its_header_alone(
    backend: Backend, receiver: Receiver, header: str | None
) -> None:
    address = f"http://127.0.0.1:{receiver.server_port}"
    with running(backend, OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_TRACES_SAMPLER_ARG="0.0", **RATIO) as url:
        ask(url, "/api/v1/products", header)
    (sent,) = [trace_header(request) for request in backend.seen]
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", sent)
    assert (sent == header) is (header is not None and TRACE in header)
    assert receiver.bodies == []


def test_half_of_the_requests_are_recorded_and_the_backend_is_told_which(
    backend: Backend, receiver: Receiver
) -> None:
    address = f"http://127.0.0.1:{receiver.server_port}"
    with running(backend, OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_TRACES_SAMPLER_ARG="0.5", **RATIO) as url:
        for _ in range(60):
            ask(url, "/api/v1/products", None)
    sent = [trace_header(request).split("-") for request in backend.seen]
    recorded = sorted(trace_id for _, trace_id, _, flags in sent if int(flags, 16) & 1)
    assert len({trace_id for _, trace_id, _, _ in sent}) == 60
    assert 5 < len(recorded) < 55  # one run in 10^11 is outside
    assert receiver.root_trace_ids("GET /api/v1/{path}") == recorded


def test_an_operator_may_name_the_service(backend: Backend, receiver: Receiver) -> None:
    address = f"http://127.0.0.1:{receiver.server_port}"
    with running(backend, OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_SERVICE_NAME="edge") as url:
        ask(url, "/api/v1/products")
    assert receiver.services() == {"edge"}


def test_health_checks_leave_no_trace(backend: Backend, receiver: Receiver) -> None:
    with running(backend, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{receiver.server_port}") as url:
        ask(url, "/health")
    assert receiver.names() == []


def test_without_a_receiver_the_header_passes_through_and_the_sdk_is_not_imported(backend: Backend) -> None:
    with running(backend, OTEL_EXPORTER_OTLP_ENDPOINT="") as url:
        ask(url, "/api/v1/products")
    (sent,) = [dict(request["headers"])["traceparent"] for request in backend.seen]
    assert sent == HEADER
    assert imported_at_the_start("opentelemetry.sdk.metrics", endpoint="") == "False"


def test_what_sends_spans_is_imported_for_the_first_of_them() -> None:
    assert imported_at_the_start("opentelemetry.sdk", endpoint="http://127.0.0.1:9") == "True"
    assert imported_at_the_start("requests", endpoint="http://127.0.0.1:9") == "False"


def imported_at_the_start(module: str, *, endpoint: str) -> str:
    """Return whether the gateway has imported a module once traces are started."""
    code = "import sys, gateway.__main__, gateway.app, gateway.tracing as t; t.start(); "
    code += f"import redis.asyncio; print({module!r} in sys.modules)"  # redis-py would import it, too
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=GATEWAY, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("headers", "trace_id"),
    [
        ([(b"traceparent", HEADER.encode())], TRACE),
        ([(b"traceparent", HEADER.upper().encode())], ""),
        ([(b"traceparent", HEADER.replace(TRACE, "0" * 32).encode())], ""),
        ([(b"traceparent", HEADER.encode())] * 2, ""),
        ([], ""),
    ],
)
def test_only_one_valid_header_names_a_trace(headers: list[tuple[bytes, bytes]], trace_id: str) -> None:
    assert trace_id_of({"type": "http", "headers": headers}) == trace_id
