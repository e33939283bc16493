"""A real stack with a state folder of its own, and the commands that people type at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

ROOT = Path(__file__).resolve().parents[2]
ENGINE = os.environ.get("DATA_ENGINE", "local")
LIMIT_S = 400.0
START_LIMIT_S = "300"
"""These tests are about data: a machine that is busy with other things may take its time to start."""
PYTHON = os.environ.get("STACK_PYTHON", sys.executable)
"""The Python that has the engine's own packages."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that has ended: its exit code and all that it printed."""

    code: int
    output: str


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running stack. ``environment`` is that of every command that is typed at it."""

    name: str
    kind: str
    environment: dict[str, str] = field(repr=False)

    def inv(self, *words: str, environment: dict[str, str] | None = None) -> Done:
        """Type a command at this stack and return how it ended."""
        return self.typed_raw(words[0], "--stack", self.kind, *words[1:], environment=environment)

    def typed_raw(self, *words: str, environment: dict[str, str] | None = None) -> Done:
        """Type a command, word for word, and return how it ended."""
        ended = subprocess.run(
            [PYTHON, "-m", "invoke", *words],
            cwd=ROOT,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
        return Done(code=ended.returncode, output=ended.stdout)

    def typed(self, *words: str) -> str:
        """Type a command that must succeed and return what it printed."""
        done = self.inv(*words)
        assert done.code == 0, f"inv {' '.join(words)} ended with {done.code}:\n{done.output}"
        return done.output

    def argv(self, *words: str) -> list[str]:
        """Return the argv of a command."""
        return [PYTHON, "-m", "invoke", words[0], "--stack", self.kind, *words[1:]]

    @property
    def state(self) -> dict[str, Any]:
        """Return the state file of the stack."""
        path = Path(self.environment["STACK_HOME"]) / "stacks" / self.name / "state.json"
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return read

    def port(self, service: str) -> int:
        """Return the first host port of a service."""
        return int(next(iter(self.state["ports"][service].values())))

    @contextmanager
    def sql(self, database: str = "postgres") -> Iterator[Any]:
        """Give a cursor on a database of the stack, each statement a transaction of its own."""
        with closing(
            psycopg2.connect(
                host="127.0.0.1",
                port=self.port("postgres"),
                user="postgres",
                password="postgres",
                dbname=database,
            )
        ) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def value(self, query: str, database: str = "postgres") -> Any:
        """Return the one value of a query."""
        with self.sql(database) as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]

    def databases(self) -> list[str]:
        """Return the names of all databases, once nothing is made or dropped in the background any more."""
        return list(self.oids())

    def oids(self) -> dict[str, int]:
        """Return the number of every database by its name, as ``databases`` does."""
        self.wait_for_background()
        with self.sql("template1") as cursor:
            cursor.execute("SELECT datname, oid FROM pg_database ORDER BY 1")
            return dict(cursor.fetchall())

    def wait_for_background(self, limit_s: float = 60.0) -> None:
        """Wait until no process in the background has anything to do with the database."""
        deadline = time.monotonic() + limit_s
        while is_making_a_spare(self.name):
            assert time.monotonic() < deadline, f"a spare is being made for longer than {limit_s:g} s"
            time.sleep(0.05)

    def wait_for_spare(self, limit_s: float = 60.0) -> None:
        """Wait until the spare that `inv up` or a reset began to make in the background is there."""
        deadline = time.monotonic() + limit_s
        while not any("__spare_" in name for name in self.databases()):
            assert time.monotonic() < deadline, f"no spare was made within {limit_s:g} s"
            time.sleep(0.1)

    def redis(self, command: str) -> str:
        """Return what Redis answers to a command."""
        from stack.data import resp, stores

        with resp.session(stores.Redis(service="redis", port=self.port("redis"))) as connection:
            answer = connection.call(*command.split())
        return answer.decode() if isinstance(answer, bytes) else str(answer)

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and JSON body of a page of the backend."""
        address = f"http://127.0.0.1:{self.port('backend')}{path}"
        try:
            with urllib.request.urlopen(address, timeout=20) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def is_making_a_spare(stack: str) -> bool:
    """Return whether the stack's standby is at work: a copy of it makes a spare, or it has just started.

    It makes its first copy before it listens: the copies are counted after it was seen to listen.
    """
    import psutil  # not in the environment of the migrations' suite, which uses this module, too

    try:
        sockets = [each.net_connections("unix") for each in standby_processes(stack)[:1]]
    except psutil.NoSuchProcess:  # the guardian starts another one
        return True
    listens = any(one.laddr for each in sockets for one in each)  # a socket is made before, its name after
    return not listens or len(standby_processes(stack)) != 1


def standby_processes(stack: str) -> list[Any]:
    """Return the processes of a stack's standby, which comes first, and of its copies."""
    import psutil  # not in the environment of the migrations' suite, which uses this module, too

    words = ["stack.commands.standby", stack]
    found = [
        each
        for each in psutil.process_iter(["cmdline", "create_time", "status"])
        if (each.info["cmdline"] or [])[2:4] == words and each.info["status"] != psutil.STATUS_ZOMBIE
    ]
    return sorted(found, key=lambda each: each.info["create_time"])


@contextmanager
def running(home: Path, kind: str = "local", *words: str, engine: str = ENGINE) -> Iterator[Stack]:
    """Give a stack that runs with its state below ``home``; it ends with the block, data and all."""
    name = f"data-{home.name}-{os.getpid()}"
    environment = {**os.environ, "STACK_HOME": str(home), "STACK_NAME": name, "PYTHONPATH": str(ROOT)}
    stack = Stack(name=name, kind=kind, environment=environment)
    try:
        stack.typed("up", "--engine", engine, "--timeout", START_LIMIT_S, *words)
        yield stack
    finally:
        stack.inv("down", "--volumes")
