"""What the dashboard costs: its first picture, the spans it receives, its page with much on it.

Usage: nox -s browser --install-only; .nox/browser/bin/python benchmarks/dashboard.py [picture|spans|page]...
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright
from shop_tools import ROOT, free_port

from stack.environments import virtualenv

PICTURE_GOAL_S, CORE_GOAL, MEMORY_GOAL_MIB, TASK_GOAL_MS = 0.5, 0.6, 60, 200
SPANS, SPANS_A_SECOND, BATCH = 100_000, 10_000, 500
LINES, SERVICES = 1_000_000, 5
TOKEN = "a-token-of-the-benchmark"

# Tells when the table was on the screen, by the clock of all programs: the frame after the one that drew it.
NOTE_TABLE = """
window.shown = new Promise((resolve) => {
  new MutationObserver((_, observer) => {
    if (!document.querySelector("main table")) return;
    observer.disconnect();
    const note = () => resolve(performance.timeOrigin + performance.now());
    requestAnimationFrame(() => requestAnimationFrame(note));
  }).observe(document, { subtree: true, childList: true });
});
"""

# Writes export requests as OpenTelemetry sends them: traces of ten spans, each with what a SQL span has.
MAKE_BATCHES = """
import os, sys, time
from pathlib import Path
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
folder, spans, batch = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
now = time.time_ns()
for number in range(spans // batch):
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    name = resource.resource.attributes.add(key="service.name")
    name.value.string_value = f"service-{number % 5}"
    scope = resource.scope_spans.add()
    for index in range(batch):
        if index % 10 == 0:
            trace, parent = os.urandom(16), b""
        span = scope.spans.add(trace_id=trace, span_id=os.urandom(8), parent_span_id=parent, kind=2)
        parent = parent or span.span_id
        span.name = f"GET /api/v1/products/{index % 40}"
        span.start_time_unix_nano = now + number * 1_000_000 + index * 1000
        span.end_time_unix_nano = span.start_time_unix_nano + 1000 * (index % 97 + 1)
        for key in ("http.route", "db.system", "db.statement", "net.peer.name"):
            span.attributes.add(key=key).value.string_value = f"SELECT name FROM products WHERE id = ? {key}"
        if index % 50 == 0:
            span.status.code = 2
    (folder / f"{number:05}.bin").write_bytes(request.SerializeToString())
"""


@contextmanager
def dashboard(place: Path) -> Iterator[tuple[psutil.Process, int]]:
    """Serve the dashboard on the records in ``place``; give its process and port once it answers."""
    port = free_port()
    python = virtualenv.sync(ROOT / "compose" / "dashboard").python
    environment = {
        "HOST": "127.0.0.1", "PORT": str(port), "DASHBOARD_TOKEN": TOKEN,
        "RUNS": str(place / "runs"), "DASHBOARD_DATABASE": str(place / "spans.sqlite3"),
    }  # fmt: skip
    process = psutil.Popen(
        [str(python), "-m", "dashboard"], cwd=ROOT / "compose" / "dashboard", env=os.environ | environment
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.02)
        yield process, port
    finally:
        process.terminate()
        process.wait(30)


def write_run(place: Path, lines: int) -> None:
    """Write the record of a run with ``lines`` log lines."""
    run = place / "runs" / "20260131-120000-ecommerce-local-000001"
    (run / "logs").mkdir(parents=True)
    events = []
    for number in range(SERVICES):
        for state, at in (("starting", number * 0.1), ("ready", number * 0.1 + 0.5)):
            events.append({"at": at, "kind": "service", "service": f"service-{number}", "state": state})
    events.append({"at": 1.0, "kind": "stack", "state": "up"})
    (run / "timeline.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    for number in range(SERVICES):
        with (run / "logs" / f"service-{number}.log").open("w") as log:
            for line in range(lines // SERVICES):
                minutes, ms = divmod(line, 60_000)
                record = {
                    "level": "INFO",
                    "message": f"GET /api/v1/products/{line} 200",
                    "trace_id": f"{line:032x}",
                }
                log.write(
                    f"2026-01-31T12:{minutes:02}:{ms // 1000:02}.{ms % 1000:03}Z {json.dumps(record)}\n"
                )


def make_batches(folder: Path) -> list[bytes]:
    """Return the bodies of the export requests for all spans."""
    python = virtualenv.sync(ROOT / "compose" / "dashboard").python
    subprocess.run([str(python), "-c", MAKE_BATCHES, str(folder), str(SPANS), str(BATCH)], check=True)
    return [file.read_bytes() for file in sorted(folder.glob("*.bin"))]


def send(port: int, batches: list[bytes], *, a_second: int) -> None:
    """Send export requests, so many spans a second."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.monotonic()
    for number, body in enumerate(batches):
        time.sleep(max(began + number * BATCH / a_second - time.monotonic(), 0))
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    connection.close()


def counters(port: int) -> dict[str, int]:
    """Return what the dashboard says it has received, dropped and kept."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/overview?token={TOKEN}", timeout=30) as answer:
        return dict(json.load(answer)["traces"])


def measure_spans(place: Path) -> None:
    """Print what receiving spans at the goal's rate costs."""
    write_run(place, 1000)
    (place / "batches").mkdir()
    batches = make_batches(place / "batches")
    with dashboard(place) as (process, port):
        idle = process.memory_info().rss
        before, began, peak = process.cpu_times(), time.monotonic(), 0
        for second in range(SPANS // SPANS_A_SECOND):
            each = SPANS_A_SECOND // BATCH
            send(port, batches[second * each : (second + 1) * each], a_second=SPANS_A_SECOND)
            peak = max(peak, process.memory_info().rss)
        while (seen := counters(port))["spans"] + seen["dropped"] < SPANS:
            time.sleep(0.2)
        after, took = process.cpu_times(), time.monotonic() - began
    used = (after.user + after.system - before.user - before.system) / took
    print(f"sent {SPANS} spans in {took:.1f} s: {seen['spans']} kept, {seen['dropped']} dropped (goal 0)")
    print(f"  {used:.0%} of a core (goal {CORE_GOAL:.0%})")
    print(f"  memory {idle / 2**20:.0f} MiB idle, {peak / 2**20:.0f} MiB at most (goal {MEMORY_GOAL_MIB})")


def measure_page(place: Path, browser: Browser) -> None:
    """Print the longest task of the page with many spans and lines, view by view."""
    write_run(place, LINES)
    (place / "batches").mkdir()
    batches = make_batches(place / "batches")
    with dashboard(place) as (process, port):
        send(port, batches, a_second=SPANS_A_SECOND)
        while counters(port)["spans"] + counters(port)["dropped"] < SPANS:
            time.sleep(0.2)
        page = browser.new_page()
        page.add_init_script(
            "window.tasks = [];"
            "new PerformanceObserver((list) => list.getEntries().forEach((e) => tasks.push(e.duration)))"
            ".observe({ type: 'longtask', buffered: true });"
        )
        page.goto(f"http://127.0.0.1:{port}/?token={TOKEN}")
        for name, work in WORK.items():
            page.evaluate("window.tasks.length = 0")
            began = time.monotonic()
            work(page)
            took = time.monotonic() - began
            page.wait_for_timeout(1500)
            longest = max(page.evaluate("window.tasks"), default=0)
            print(f"{name}: {took:.2f} s, longest task {longest:.0f} ms (goal {TASK_GOAL_MS})", flush=True)
        print(f"  memory {process.memory_info().rss / 2**20:.0f} MiB (goal {MEMORY_GOAL_MIB})")


def _view(name: str, shown: str) -> Callable[[Page], None]:
    def work(page: Page) -> None:
        page.locator("nav a", has_text=name).click()
        page.locator(shown).first.wait_for()

    return work


def _older(page: Page) -> None:
    for _ in range(10):
        page.get_by_role("button", name="Older lines").click()
        page.wait_for_timeout(400)


def _search(page: Page) -> None:
    page.locator("#search").fill("products/19")
    page.wait_for_timeout(400)
    page.locator(".lines > div", has_text="products/19").first.wait_for()


def _order(page: Page) -> None:
    page.get_by_label("Order").select_option("slowest")
    page.locator("tr.pick").first.wait_for()
    page.wait_for_timeout(500)


def _waterfall(page: Page) -> None:
    page.locator("tr.pick a").first.click()
    page.locator("svg g").first.wait_for()


WORK = {
    "services": _view("Services", "table"),
    "logs": _view("Logs", ".lines > div"),
    "ten pages of older lines": _older,
    "search in the lines": _search,
    "traces": _view("Traces", "tr.pick"),
    "slowest first": _order,
    "a trace": _waterfall,
    "runs": _view("Runs", "table"),
}


def measure_picture(browser: Browser) -> None:
    """Print the seconds from `inv dashboard` to the table in a browser that is open; the stack is up."""
    environment = os.environ | {"STACK_NAME": f"benchmark-{secrets.token_hex(3)}"}
    inv = [sys.executable, "-m", "invoke"]
    up = [*inv, "up", "--engine", "local", "--stack", "ci", "--profile", "observability"]
    subprocess.run(up, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    try:
        seen, printed = [], []
        context = browser.new_context()
        context.add_init_script(NOTE_TABLE)
        context.new_page()  # a browser that is open has a tab
        for _ in range(9):
            began = time.time()
            typed = subprocess.run(
                [*inv, "dashboard", "--stack", "ci"],
                cwd=ROOT,
                env=environment,
                check=True,
                capture_output=True,
            )
            printed.append(time.time() - began)
            page = context.new_page()
            page.goto(typed.stdout.decode().strip(), wait_until="commit")
            seen.append(page.evaluate("window.shown") / 1000 - began)
            page.close()
        print(f"first picture: median {statistics.median(seen):.2f} s of {len(seen)} (goal {PICTURE_GOAL_S})")
        print(f"  of which the command: median {statistics.median(printed):.2f} s")
    finally:
        subprocess.run(
            [*inv, "down", "--volumes"], cwd=ROOT, env=environment, check=True, capture_output=True
        )


def main() -> None:
    wanted = sys.argv[1:] or ["picture", "spans", "page"]
    program = shutil.which("chromium")
    assert program, "There is no chromium (Debian: apt install chromium)."
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        for name in wanted:
            with tempfile.TemporaryDirectory(prefix="dashboard-") as folder:
                if name == "picture":
                    measure_picture(browser)
                elif name == "spans":
                    measure_spans(Path(folder))
                else:
                    measure_page(Path(folder), browser)
        browser.close()


if __name__ == "__main__":
    main()
