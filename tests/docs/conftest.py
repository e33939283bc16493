"""One fresh clone for all pages: what the README installs is there for the others."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from docs.clone import ENGINE, PORTS, clone, environment
from stack.system.ports import candidates, is_free


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Where a reader types: a folder, an environment, and host ports that stay free for the test.

    A developer's own stack may come and go at the documented ones meanwhile.
    """

    folder: Path
    environment: Mapping[str, str]
    ports: Mapping[str, int]

    def translate(self, text: str) -> str:
        """Return a command line with the host ports that are used."""
        for name, port in self.ports.items():
            text = text.replace(f"localhost:{PORTS[name]}", f"localhost:{port}")
            text = text.replace(f"-i :{PORTS[name]}", f"-i :{port}")
        return text


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """A reader with a fresh clone; everything that the pages leave running is ended."""
    pool = candidates(f"docs-{os.getpid()}")  # several runs may share the machine
    ports = {name: next(port for port in pool if is_free(port)) for name in PORTS}
    with tempfile.TemporaryDirectory(prefix="docs-") as name:
        work = Path(name)
        work.chmod(0o755)  # servers run as another account
        folder = clone(work / "shop")
        surroundings = environment(work, ports)
        yield Reader(folder=folder, environment=surroundings, ports=ports)
        if (folder / ".venv" / "bin" / "inv").exists():
            subprocess.run(["inv", "prune", "--all"], cwd=folder, env=surroundings, check=True, timeout=120)


def pytest_report_header() -> str:
    return f"engine: {ENGINE}"
