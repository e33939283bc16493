"""What the tests of traces share: a receiver of spans, and a process of its own that sends some."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

BACKEND = Path(__file__).resolve().parent.parent
TRACE = "0af7651916cd43dd8448eb211c80319c"


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

    def names(self, *, failed: bool = False) -> list[str]:
        """Return the names of all spans, whatever their trace, or of those that failed."""
        requests = map(ExportTraceServiceRequest.FromString, self.bodies)
        scopes = [scope for body in requests for each in body.resource_spans for scope in each.scope_spans]
        spans = [span for scope in scopes for span in scope.spans]
        return [span.name for span in spans if not failed or span.status.code == Status.STATUS_CODE_ERROR]

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


def run(code: str, tmp_path: Path, *words: str, **environment: str) -> str:
    """Run Python code in a new process of the backend, and return what it printed."""
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}",
        "VAULT_DISABLED": "true",
        "REDIS_URL": "",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=BACKEND,
        env=variables,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
