"""How soon the engine notices that a service is ready or dead, and what waiting costs.

A bare 5 ms poll in the same run is the limit.

Usage: python benchmarks/waiting.py [SERVICES]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stack.control import guardians
from stack.records import names, runs
from stack.records.request import Request
from stack.records.timeline import Event

SERVICE = """
import http.server, os, pathlib, sys, threading, time
mode, after_s, mark = sys.argv[1], float(sys.argv[2]), pathlib.Path(sys.argv[3])
time.sleep(after_s)
if mode == "dies":
    mark.write_text(str(time.time()))
    sys.exit(3)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if mode == "ready" else 500); self.end_headers()
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
mark.write_text(str(time.time()))
server.serve_forever()
"""


def compose(folder: Path, mode: str, count: int) -> Path:
    """Write a stack of ``count`` services that become ready, or die, at different moments."""
    (folder / "service.py").write_text(SERVICE)
    check = {"test": ["CMD", "curl", "-f", "http://localhost:80/"], "interval": "30s", "start_period": "60s"}
    services = {}
    for number in range(count):
        name = f"s{number:02}"
        argv = [
            sys.executable,
            str(folder / "service.py"),
            mode,
            str(0.2 + 0.13 * number),
            str(folder / name),
        ]
        services[name] = {
            "image": "benchmark",
            "x-local": {"command": argv, "working_dir": str(folder)},
            "expose": ["80"],
            "healthcheck": check,
        }
    path = folder / "compose.yml"
    path.write_text(json.dumps({"name": "benchmark", "services": services}))
    return path


def hold(folder: Path, file: Path, deadline_s: float) -> tuple[list[Event], float]:
    """Run the stack; return its events and the guardian's processor time per second of waiting."""
    name = names.ephemeral("benchmark")
    request = Request(
        name=name,
        files=(str(file),),
        engine="local",
        work_tree=str(folder),
        run=str(runs.new_run(folder, name)),
        ephemeral=True,
        deadline_s=deadline_s,
    )
    launched = guardians.launch(request)
    events, share, before = [], 0.0, (0.0, 0.0)
    for event in launched.events():
        events.append(event)
        if event.kind == "service" and event.state == "starting":
            before = (_busy_s(launched), time.time())
        if event.kind == "stack" and event.state in {"up", "failed"}:
            share = (_busy_s(launched) - before[0]) / (time.time() - before[1])
            launched.end()
    launched.process.wait(30)
    return events, share


def _busy_s(launched: guardians.GuardianProcess) -> float:
    """Return the guardian's processor time; it is the child of the process that made its namespace."""
    children = Path(f"/proc/{launched.process.pid}/task/{launched.process.pid}/children").read_text().split()
    pid = children[0] if children else launched.process.pid
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def bare(folder: Path, count: int) -> list[float]:
    """Return the delays of the limit: the same services, a connect every 5 ms, nothing else."""
    import socket

    delays = []
    for number in range(min(count, 5)):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        mark = folder / f"bare{number}"
        argv = [sys.executable, str(folder / "service.py"), "ready", str(0.2 + 0.13 * number), str(mark)]
        process = subprocess.Popen(argv, env={"PORT": str(port)})
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.005)
        noticed = time.time()
        while not mark.exists() or not mark.read_text():
            time.sleep(0.001)
        delays.append(max(noticed - float(mark.read_text()), 0.0))
        process.kill()
        process.wait()
    return delays


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    for mode, state in (("ready", "ready"), ("dies", "exited")):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            events, share = hold(folder, compose(folder, mode, count), 60)
            noticed = {e.service: e.at for e in events if e.kind == "service" and e.state == state}
            delays = sorted((at - float((folder / name).read_text())) * 1000 for name, at in noticed.items())
            p95 = delays[max(int(len(delays) * 0.95) - 1, 0)]
            spread = f"median {statistics.median(delays):.0f} ms, 95% {p95:.0f} ms, worst {delays[-1]:.0f} ms"
            print(f"{state:<7} {len(delays)} of {count} noticed after {spread}")
            if mode == "ready":
                limit = [delay * 1000 for delay in bare(folder, count)]
                ratio = statistics.median(delays) / max(statistics.median(limit), 0.1)
                print(
                    f"        a bare 5 ms poll: median {statistics.median(limit):.0f} ms; ratio {ratio:.1f}"
                )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _, share = hold(folder, compose(folder, "wrong", count), 20)
        print(
            f"waiting 20 s for {count} services that stay unready: {share * 100:.1f}% of one core (goal 3%)"
        )


if __name__ == "__main__":
    main()
