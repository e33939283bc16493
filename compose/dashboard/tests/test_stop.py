"""The server ends at once while a page is open: it does not wait for streams that have no end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TOKEN, write_run

LIMIT_S = 60.0


@pytest.fixture
def port() -> Iterator[int]:
    """A port that nobody else is given: it stays bound, and the service, with SO_REUSEADDR, listens there."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path, runs: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The service as it is started: ``python -m dashboard``."""
    write_run(runs)
    environment = {
        **os.environ,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DASHBOARD_TOKEN": TOKEN,
        "DASHBOARD_DATABASE": str(tmp_path / "spans.sqlite3"),
        "RUNS": str(runs),
    }
    command = [sys.executable, "-m", "dashboard"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def connect(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_the_stream_of_an_open_page_ends_with_the_server(server: subprocess.Popen[str], port: int) -> None:
    connect(port, server)
    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}/api/events?token={TOKEN}", timeout=LIMIT_S
    ) as stream:
        assert stream.readline().startswith(b"data: ")
        server.send_signal(signal.SIGTERM)
        assert stream.read().strip() == b""  # whole: a stream that is cut raises IncompleteRead
    _, said = server.communicate(timeout=LIMIT_S)
    assert (server.returncode, said) == (-signal.SIGTERM, "")


def test_a_database_that_cannot_be_opened_is_named_in_one_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "DASHBOARD_TOKEN": TOKEN, "DASHBOARD_DATABASE": str(tmp_path)}
    command = [sys.executable, "-m", "dashboard"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
    assert ended.returncode == 2
    assert ended.stderr == f"dashboard: {tmp_path} cannot be opened: unable to open database file\n"
