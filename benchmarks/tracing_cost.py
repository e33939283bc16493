"""What traces cost a request through the gateway: off, 5% of the requests sampled, all of them, in one run.

The forms take turns; compared is the processor time that one request takes of the gateway, of the backend and
of both, the least of many: what else runs on the machine can only add to it. What is sent goes to a receiver
that throws it away.
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
import psutil
from metrics_cost import REQUESTS, Service, running
from shop_tools import ROOT, drive

GOAL = 1.25
PATH = "/api/v1/categories"
BACKEND = Service(folder="backend", program="gunicorn", words=("config.wsgi:application",), path="/health/")
GATEWAY = Service(folder="ai-services/api_gateway", program="python", words=("-m", "gateway"), path="/health")
Times = dict[str, float]
"""Processor seconds of one request by the name of what took them."""
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


@contextmanager
def shop(place: Path, settings: dict[str, str]) -> Iterator[tuple[dict[str, psutil.Process], str]]:
    """Start a gateway in front of a backend; give both processes and the gateway's address."""
    with running(BACKEND, ROOT, place, metrics=False, variables=settings) as (backend, url):
        settings = settings | {"BACKEND_URL": url}
        with running(GATEWAY, ROOT, place, metrics=False, variables=settings) as (gateway, address):
            yield {"gateway": gateway, "backend": backend}, address


def request_times(processes: dict[str, psutil.Process], url: str) -> Times:
    """Return the processor seconds that one request takes of each process and of all, the mean of many."""
    before = {name: processor_time.of_tree_ns(process) for name, process in processes.items()}
    drive(url, PATH, connections=4, requests=REQUESTS)
    taken = {
        name: (processor_time.of_tree_ns(process) - before[name]) / 1e9 / REQUESTS
        for name, process in processes.items()
    }
    return taken | {"both": sum(taken.values())}


def measure(place: Path, endpoint: str, rounds: int) -> dict[str, Times]:
    """Return the least processor seconds of one request for each form."""
    with ExitStack() as stack:
        forms = {
            form: stack.enter_context(shop(place, variables(share, endpoint)))
            for form, share in SAMPLERS.items()
        }
        seen = [{form: request_times(*forms[form]) for form in forms} for _ in range(rounds)]
    names = ("gateway", "backend", "both")
    return {form: {name: min(each[form][name] for each in seen) for name in names} for form in SAMPLERS}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory(prefix="tracing-cost-") as temporary, receiver() as endpoint:
        least = measure(Path(temporary), endpoint, rounds)
    for name, off_s in least["off"].items():
        print(
            f"{PATH}, {name}: off {off_s * 1e6:.0f} us of processor,"
            f" 5% sampled {least['5%'][name] / off_s:.3f} (goal {GOAL}),"
            f" all {least['all'][name] / off_s:.3f}, least of {rounds}"
        )


if __name__ == "__main__":
    main()
