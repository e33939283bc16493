"""A client of the helper process in the shop's environment; see `crashes.inside.helper`."""

from __future__ import annotations

import json
import selectors
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stack.system import kernel

ANSWERS_WITHIN_S = 120.0


class Helper:
    """The helper process: one question at a time."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                preexec_fn=kernel.die_with_parent(),
            )

    def ask(self, question: str, **arguments: Any) -> Any:
        """Send a question; return the answer.

        Raises:
            AssertionError: it failed; the text is the output of the helper.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([question, arguments]).encode() + b"\n")
        self._process.stdin.flush()
        reply = json.loads(self._line(question))
        assert "error" not in reply, reply["error"]
        return reply["answer"]

    def _line(self, question: str) -> bytes:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            assert selector.select(ANSWERS_WITHIN_S), f"{question}: no answer in {ANSWERS_WITHIN_S:g} s"
        line = self._process.stdout.readline()
        assert line, f"{question}: the helper is gone\n{self._log.read_text(errors='replace')}"
        return line

    def end(self) -> None:
        """End the helper process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()
