"""Run command lines as a person would type them, and return their output."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass

from plain_compose.lines import Line
from stack.system.directories import ROOT

LIMIT_S = 300.0
PATIENCE_S = 60.0
DEFAULT_PORTS = {"BACKEND_PORT": 8000, "GATEWAY_PORT": 9000, "POSTGRES_PORT": 5432, "REDIS_PORT": 6379}


@dataclass(frozen=True, kw_only=True)
class Printed:
    """The output and the exit code of a command line."""

    out: str
    everything: str
    code: int


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A shell in the repository's root; ``ports`` replaces default host ports that are taken."""

    ports: Mapping[str, int]

    def type(self, line: Line) -> Printed:
        """Run one line to its end, or until its expected output has appeared."""
        deadline = time.monotonic() + PATIENCE_S
        printed = self._run(line)
        while line.retry and not self._is_expected(line, printed) and time.monotonic() < deadline:
            time.sleep(0.2)
            printed = self._run(line)
        return printed

    def _run(self, line: Line) -> Printed:
        command = self.translate(line.text)
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=ROOT,
            env=os.environ | {name: str(port) for name, port in self.ports.items()} | {"PWD": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if line.interrupt else subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        if line.interrupt:
            return self._run_until_interrupted(process, line)
        out, err = process.communicate(timeout=LIMIT_S)
        return Printed(out=out, everything=out + err, code=process.returncode)

    def translate(self, text: str) -> str:
        """Return the line with the host ports that are used."""
        if text.startswith("docker"):  # ports inside a container are always the document's
            return text
        for name, port in self.ports.items():
            text = re.sub(rf"(localhost|-i ):{DEFAULT_PORTS[name]}\b", rf"\1:{port}", text)
        return text

    def pattern(self, text: str) -> str:
        """Return an expected pattern with the host ports that are used."""
        for name, port in self.ports.items():
            text = text.replace(f":{DEFAULT_PORTS[name]}->", f":{port}->")
            text = text.replace(f":{DEFAULT_PORTS[name]} ", f":{port} ")
        return text

    def _run_until_interrupted(self, process: subprocess.Popen[str], line: Line) -> Printed:
        assert process.stdout is not None
        seen, deadline = b"", time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            if select.select([process.stdout], [], [], 0.5)[0]:
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                seen += chunk
                if not chunk or self._has_all(line, seen.decode(errors="replace")):
                    break
        os.killpg(process.pid, signal.SIGINT)
        with process.stdout as rest:  # end of file: no process can write any more
            while select.select([rest], [], [], LIMIT_S)[0] and os.read(rest.fileno(), 1 << 16):
                pass
        process.wait(timeout=60)
        text = seen.decode(errors="replace")
        return Printed(out=text, everything=text, code=0)

    def _is_expected(self, line: Line, printed: Printed) -> bool:
        return printed.code == line.code and self._has_all(line, printed.everything)

    def _has_all(self, line: Line, seen: str) -> bool:
        return all(re.search(self.pattern(wanted), seen) for wanted in line.prints)
