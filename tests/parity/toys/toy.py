"""A service for the parity cases: what it does is said by its environment. Standard library only.

``toy.py serve`` answers over HTTP until it is told to end; ``toy.py job CODE [SECONDS]`` ends by itself.
Variables: HOST, PORT, FAILS_S (seconds of 503 on /health after the start), HANGS (never answers),
DIES (exit code soon after the start), KEEPS (a file to append to), TAKES_MIB (memory to fill).
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

BEGAN = time.monotonic()
UNWELL = {"until": float(os.environ.get("FAILS_S", "0"))}


def say(text: str, stream: object = None) -> None:
    print(text, file=stream or sys.stdout, flush=True)


class Handler(BaseHTTPRequestHandler):
    """Every path is one small question about the place in which the toy runs."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if "HANGS" in os.environ:
            time.sleep(600)
        status, body = getattr(self, "on_" + url.path.strip("/"))(**query)
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def on_health(self) -> tuple[int, str]:
        well = time.monotonic() - BEGAN >= UNWELL["until"]
        return (200, "well") if well else (503, "not yet")

    def on_unwell(self, seconds: str) -> tuple[int, str]:
        UNWELL["until"] = time.monotonic() - BEGAN + float(seconds)
        return 200, "noted"

    def on_environment(self) -> tuple[int, str]:
        return 200, json.dumps(dict(os.environ))

    def on_place(self) -> tuple[int, str]:
        return 200, json.dumps({"cwd": str(Path.cwd()), "uid": os.getuid(), "pid": os.getpid()})

    def on_write(self, path: str) -> tuple[int, str]:
        try:
            Path(os.environ[path]).write_text("written")
        except OSError as error:
            return 200, f"refused: {error.strerror}"
        return 200, "written"

    def on_kept(self) -> tuple[int, str]:
        path = Path(os.environ["KEEPS"])
        return 200, path.read_text() if path.exists() else ""

    def on_keep(self, text: str) -> tuple[int, str]:
        with Path(os.environ["KEEPS"]).open("a", encoding="utf-8") as file:
            file.write(text)
        return 200, "kept"

    def on_ask(self, variable: str) -> tuple[int, str]:
        """Ask another service, by the address in a variable of the environment."""
        url = urlsplit(os.environ[variable])
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=5)
        try:
            connection.request("GET", url.path)
            answer = connection.getresponse()
            return 200, f"{answer.status} {answer.read().decode()}"
        except OSError as error:
            return 200, f"failed: {type(error).__name__}"

    def on_say(self, text: str) -> tuple[int, str]:
        say(text)
        say(text.upper(), sys.stderr)
        return 200, "said"

    def on_die(self, code: str = "", signal: str = "") -> tuple[int, str]:
        if signal:
            os.kill(os.getpid(), int(signal))
        os._exit(int(code))

    def log_message(self, format: str, *arguments: object) -> None:
        """Requests are not what the cases look at."""


def serve() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ended)
    if "DIES" in os.environ:
        time.sleep(0.3)
        say("cannot go on")
        os._exit(int(os.environ["DIES"]))
    server = ThreadingHTTPServer((os.environ.get("HOST", ""), int(os.environ.get("PORT", "8000"))), Handler)
    server.daemon_threads = True
    say(f"serving {os.environ.get('GREETING', '')}".strip())
    filled = b"\x01" * (int(os.environ.get("TAKES_MIB", "0")) << 20)
    server.serve_forever()
    say(str(len(filled)))


def ended(number: int, frame: object) -> None:
    say(f"told to end by {signal.Signals(number).name}")
    os._exit(0)


def job(code: str, seconds: str = "0.3") -> None:
    say("job begins")
    time.sleep(float(seconds))
    say("job ends")
    sys.exit(int(code))


if __name__ == "__main__":
    {"serve": serve, "job": job}[sys.argv[1]](*sys.argv[2:])
