"""Databases of their own for tests: copies of the stack's template, made ahead of time by the stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress

import pytest


class TestDatabases:
    """The databases of this session's tests. The first one is the slowest: it may have to be migrated."""

    __test__ = False

    def __init__(self) -> None:
        python, name = os.environ.get("STACK_PYTHON", sys.executable), os.environ["STACK_NAME"]
        argv = [python, "-m", "stack.commands.test_databases", name]
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  close() closes it
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, encoding="utf-8"
        )

    def ask(self, question: str) -> dict[str, str]:
        """Return the answer to ``fresh`` or ``empty``: the name of a database and its URL.

        Raises:
            AssertionError: it cannot be done, with the reason.
        """
        self._say(question)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"no database for this test: {self._reason()}"
        answer: dict[str, str] = json.loads(line)
        assert "error" not in answer, answer.get("error")
        return answer

    def drop(self, name: str) -> None:
        """Let a database be dropped in the background."""
        self._say(f"drop {name}")

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: what it said is the reason why nothing is answered
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()

    def _reason(self) -> str:
        self._process.wait(timeout=60)
        self._errors.seek(0)
        return " ".join(self._errors.read().split()) or f"its helper ended with {self._process.returncode}"

    def close(self) -> None:
        """Drop every database and wait until that is done."""
        with suppress(BrokenPipeError):
            self._process.communicate(timeout=60)
        self._errors.close()


@pytest.fixture(scope="session")
def own_databases() -> Iterator[TestDatabases]:
    """What gives a test its database, where the stack is ours (STACK_NAME) and has Postgres."""
    if not os.environ.get("STACK_NAME") or not os.environ.get("DATABASE_URL"):
        pytest.skip("a database of its own needs a stack of ours with Postgres: `-- --stack local`")
    databases = TestDatabases()
    yield databases
    databases.close()


@pytest.fixture
def fresh_db(own_databases: TestDatabases) -> Iterator[str]:
    """The URL of a database, migrated and seeded, that only this test uses; it is dropped afterwards."""
    given = own_databases.ask("fresh")
    yield given["url"]
    own_databases.drop(given["name"])
