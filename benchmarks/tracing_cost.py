"""What traces cost a small request: off, 5% of the requests sampled, all of them, in one run.

The forms take turns; compared is the processor time of one request of a service, the least of many: what else
runs on the machine can only add to it. What is sent goes to a receiver that throws it away.
Usage: python benchmarks/tracing_cost.py [ROUNDS]
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import processor_time
from metrics_cost import REQUESTS, Service, running
from shop_tools import ROOT, drive

GOAL = 1.25
SERVICES = (
    Service(
        folder="backend", program="gunicorn", words=("config.wsgi:application",), path="/api/v1/categories"
    ),
    Service(folder="ai-services/api_gateway", program="python", words=("-m", "gateway"), path="/docs"),
)
SAMPLERS = {"off": "", "5%": "0.05", "all": "1.0"}


class Receiver(BaseHTTPRequestHandler):
    """Takes spans and forgets them."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Write nothing."""


@contextmanager
def receiver() -> Iterator[str]:
    """Give the address of a receiver that runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def variables(share: str, endpoint: str) -> dict[str, str]:
    """Return the standard's variables that sample such a share of requests, "" for no traces."""
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": share}
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint if share else "", **(sampler if share else {})}


def measure(service: Service, place: Path, endpoint: str, rounds: int) -> dict[str, float]:
    """Return for each form the least processor seconds of one request."""
    with ExitStack() as stack:
        forms = {
            form: stack.enter_context(
                running(service, ROOT, place, metrics=False, variables=variables(share, endpoint))
            )
            for form, share in SAMPLERS.items()
        }
        least = dict.fromkeys(forms, float("inf"))
        for _ in range(rounds):
            for form, (process, url) in forms.items():
                before = processor_time.of_tree_ns(process)
                drive(url, service.path, connections=4, requests=REQUESTS)
                spent_s = (processor_time.of_tree_ns(process) - before) / 1e9
                least[form] = min(least[form], spent_s / REQUESTS)
        return least


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory(prefix="tracing-cost-") as temporary, receiver() as endpoint:
        for service in SERVICES:
            least = measure(service, Path(temporary), endpoint, rounds)
            print(
                f"{service.folder} {service.path}: off {least['off'] * 1e6:.0f} us of processor,"
                f" 5% sampled {least['5%'] / least['off']:.3f} (goal {GOAL}),"
                f" all {least['all'] / least['off']:.3f}, least of {rounds}",
                flush=True,
            )


if __name__ == "__main__":
    main()
