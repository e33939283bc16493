"""Where the tests of a protection are run: in the repository's folder, or in that of a service."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from abuse.services import python_of


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder with tests; a service has a name, and an environment of its own, made from its lock."""

    name: str
    folder: str
    tests: str
    """Its tests' folder."""
    runner: str = "pytest"
    """The module that runs them."""

    def has(self, file: str) -> bool:
        """Return whether a file of the repository is one of its tests."""
        return file.startswith(f"{self.folder}/{self.tests}/")

    def python(self, root: Path) -> str:
        """Return the interpreter that runs the tests, installed where that is new."""
        return str(python_of(root / self.folder, "requirements-dev.txt")) if self.name else sys.executable


REPOSITORY = Project(name="", folder=".", tests="tests")
SERVICES = (
    Project(name="postgres", folder="backend", tests="tests/postgres", runner="tests.on_postgres"),
    Project(name="backend", folder="backend", tests="tests"),
    Project(name="gateway", folder="ai-services/api_gateway", tests="tests"),
)
