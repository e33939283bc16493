"""The shop's services as real processes: the backend on SQLite, the gateway in front of it."""

from __future__ import annotations

import functools
import hashlib
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from crashes.processes import READY_WITHIN_S, free_port, until

ROOT = Path(__file__).resolve().parents[2]
BACKEND = ROOT / "backend"
GATEWAY = ROOT / "ai-services" / "api_gateway"
ENVIRONMENTS = ROOT / ".nox" / "abuse-services"
HOST = "127.0.0.1"
ENDS_WITHIN_S = 60.0


def python_of(project: Path, lock_name: str = "requirements.txt") -> Path:
    """Return the interpreter of a service's own environment, installed from a lock where that is new."""
    lock = project / lock_name
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = ENVIRONMENTS / f"{project.name}-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        _uv("venv", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "install", "--python", str(python), "--require-hashes", "--requirement", str(lock))
        (folder / "complete").touch()
    return python


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True, capture_output=True, timeout=300)


@dataclass(kw_only=True)
class Process:
    """A service that listens on a port, and its log; the path ``health`` responds 200 once it is ready."""

    argv: list[str]
    folder: Path
    environment: dict[str, str]
    log: Path
    health: str = ""
    port: int = field(default_factory=free_port)
    running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address of the service."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Return the process ID."""
        assert self.running is not None
        return self.running.pid

    def start(self) -> None:
        """Start the service and wait until it accepts connections."""
        surroundings = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment = surroundings | self.environment | {"HOST": HOST, "PORT": str(self.port)}
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                self.argv,
                cwd=self.folder,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until(self._is_ready, f"{self.log.stem} is ready")

    def _is_ready(self) -> bool:
        assert self.running is not None
        assert self.running.poll() is None, self.text()
        connection = http.client.HTTPConnection(HOST, self.port, timeout=READY_WITHIN_S)
        with suppress(OSError, http.client.HTTPException), closing(connection):
            connection.connect()
            if self.health:
                connection.request("GET", self.health)
            return not self.health or connection.getresponse().status == 200
        return False

    def stop(self) -> None:
        """End the service and everything it started."""
        if self.running is None or self.running.poll() is not None:
            return
        os.killpg(self.pid, signal.SIGCONT)
        self.running.terminate()
        try:
            self.running.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.running.wait(ENDS_WITHIN_S)

    def text(self) -> str:
        """Return the log."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def line_of(self, request_id: str) -> str:
        """Return the access log line of a request; it is written after the response."""
        pattern = re.compile(f'^.*"request_id": "{request_id}".*"status".*$', re.MULTILINE)
        until(lambda: bool(pattern.search(self.text())), f"{self.log.stem} logs {request_id}")
        line: str = pattern.findall(self.text())[0]
        return line

    def request_ids(self) -> set[str]:
        """Return the IDs of the requests that the service has logged."""
        return set(re.findall(r'"request_id": "([^"-][^"]*)"', self.text()))


def _settings(database: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.ci",
        "DATABASE_URL": f"sqlite:///{database}",
        "REDIS_URL": "",
        "VAULT_DISABLED": "true",
        "LOG_FORMAT": "json",
        "SEED_PRODUCTS": "50",
    }


@functools.cache
def _prepared_database() -> bytes:
    """Return a database that is migrated and seeded, made once a run: every backend starts with a copy."""
    command = [str(python_of(BACKEND)), "manage.py", "prepare"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.sqlite3"
        environment = {**os.environ, **_settings(path)}
        subprocess.run(command, cwd=BACKEND, env=environment, check=True, capture_output=True, timeout=300)
        return path.read_bytes()


def backend(folder: Path, **environment: str) -> Process:
    """Return the backend on a SQLite database of its own in ``folder``."""
    settings = _settings(folder / "shop.sqlite3")
    (folder / "shop.sqlite3").write_bytes(_prepared_database())
    python = python_of(BACKEND)
    argv = [str(python.with_name("gunicorn")), "config.wsgi:application"]
    return Process(
        argv=argv,
        folder=BACKEND,
        environment=settings | environment,
        log=folder / "backend.log",
        health="/health/",
    )


def few_files(gateway: Process, limit: int) -> Process:
    """Return the gateway with a soft limit on its open files, as many systems set it."""
    return replace(gateway, argv=["sh", "-c", f'ulimit -Sn {limit} && exec "$0" "$@"', *gateway.argv])


def gateway(folder: Path, upstream: Process, **environment: str) -> Process:
    """Return a gateway in front of ``upstream``."""
    settings = {"BACKEND_URL": upstream.url, "LOG_FORMAT": "json"}
    argv = [str(python_of(GATEWAY)), "-m", "gateway"]
    return Process(
        argv=argv,
        folder=GATEWAY,
        environment=settings | environment,
        log=folder / "gateway.log",
        health="/health",
    )
