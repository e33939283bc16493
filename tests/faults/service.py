"""A service that misbehaves as its first argument says. Standard library only, so that it runs anywhere."""

from __future__ import annotations

import http.server
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

HOST, PORT = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
STARTED = time.monotonic()


def serve(status=lambda: 200, port=PORT):
    """Respond with the status that ``status`` returns; exit or turn unwell where a test asks for that."""
    asked_for = set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/exit":
                os._exit(7)
            asked_for.add(self.path)
            self.send_response(500 if "/turn-unwell" in asked_for else status())
            self.end_headers()
            self.wfile.write(b"written by the service\n")

        def log_message(self, *arguments):
            pass

    http.server.ThreadingHTTPServer((HOST, port), Handler).serve_forever()


def listen(talk):
    """Accept connections and pass each to ``talk``."""
    with socket.create_server((HOST, PORT)) as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=talk, args=(connection,), daemon=True).start()


def drip(connection):
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n.":
        connection.sendall(bytes([byte]))
        time.sleep(1)


def age():
    return time.monotonic() - STARTED


def writes_its_environment():
    print(dict(os.environ), flush=True)
    serve()


def asks_another_host():
    """Be well only where a server outside the stack, at the host and port of two variables, responds."""
    server = (os.environ["OUTSIDE_HOST"], int(os.environ["OUTSIDE_PORT"]))
    with socket.create_connection(server, 5) as connection:
        print(connection.recv(100).decode(), flush=True)
    serve()


def waits_for_a_file():
    """Serve once a test has written the file ``go`` beside this one."""
    while not pathlib.Path(__file__).with_name("go").exists():
        time.sleep(0.02)
    serve()


def ignores_term():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve()


def forks_twice():
    """Start a grandchild in a session of its own: without protection it outlives its parents."""
    code = "import subprocess, sys; subprocess.Popen([sys.executable, *sys.argv[1:]], start_new_session=True)"
    subprocess.run([sys.executable, "-c", code, __file__, "sleeps"], check=True)
    serve()


def hides():
    """Run without a parent-death signal and without the token, as servers with a process title do."""
    import ctypes

    if "HIDDEN" not in os.environ:
        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
        environment = {"HIDDEN": "1", "HOST": HOST, "PORT": str(PORT)}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    serve()


def holds_the_pipe():
    subprocess.Popen([sys.executable, __file__, "sleeps"], start_new_session=True)
    print("the last line", flush=True)
    sys.exit(3)


def floods():
    line = b"x" * 1023 + b"\n"
    for _ in range(int(os.environ.get("FLOOD_MIB", "200"))):
        os.write(1, line * 1024) if sys.platform == "win32" else sys.stdout.buffer.write(line * 1024)
    sys.stdout.flush()
    serve()


def binds_a_taken_port():
    with socket.create_server((HOST, PORT)), socket.create_server((HOST, PORT)):
        pass


def runs_out_of_memory():
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
    eats_memory()


def eats_memory():
    blocks = []
    while True:
        blocks.append(b"x" * (1 << 24))


def takes_256_mb():
    taken = b"x" * (1 << 28)
    serve(lambda: 200 if taken else 500)


def fills_the_disk():
    with (pathlib.Path(os.environ["SMALL"]) / "full").open("wb") as file:
        while True:
            file.write(b"x" * (1 << 20))
            file.flush()


def writes_nonsense():
    sys.stdout.buffer.write(b"\xff\xfe not UTF-8 \x1b[2J\x1b[31m and control codes \x07\n")
    sys.stdout.flush()
    sys.exit(3)


BEHAVIOURS = {
    "well": serve,
    "exits_0": lambda: sys.exit(0),
    "exits_3": lambda: (print("no such table: orders", flush=True), sys.exit(3)),
    "asks_another_host": asks_another_host,
    "ignores_term": ignores_term,
    "forks_twice": forks_twice,
    "hides": hides,
    "holds_the_pipe": holds_the_pipe,
    "floods": floods,
    "never_listens": lambda: time.sleep(3600),
    "never_answers": lambda: listen(lambda connection: time.sleep(3600)),
    "drips": lambda: listen(drip),
    "answers_500": lambda: serve(lambda: 500),
    "500_then_200": lambda: serve(lambda: 500 if age() < 1.5 else 200),
    "wrong_port": lambda: serve(port=PORT + 1),
    "binds_a_taken_port": binds_a_taken_port,
    "slow": lambda: (time.sleep(float(os.environ["SLOW_S"])), serve()),
    "waits_for_a_file": waits_for_a_file,
    "runs_out_of_memory": runs_out_of_memory,
    "eats_memory": eats_memory,
    "takes_256_mb": takes_256_mb,
    "fills_the_disk": fills_the_disk,
    "writes_nonsense": writes_nonsense,
    "writes_its_environment": writes_its_environment,
    "sleeps": lambda: time.sleep(3600),
}

if __name__ == "__main__":
    BEHAVIOURS[sys.argv[1]]()
