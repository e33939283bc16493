"""The backend's own commands, run against databases of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BACKEND = ROOT / "backend"
LIMIT_S = 1800.0
APPS = ("accounts", "carts", "catalog", "core", "events", "orders", "payments")


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that has ended."""

    code: int
    output: str


@dataclass(frozen=True, kw_only=True)
class Backend:
    """The backend with a database; ``project`` is its folder, which a test may have copied and changed."""

    url: str
    project: Path = BACKEND
    settings: str = "config.settings.ci"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of its commands."""
        own = {"DATABASE_URL": self.url, "REDIS_URL": "", "VAULT_DISABLED": "true", "SEED_PRODUCTS": "200"}
        return {**os.environ, **own, "DJANGO_SETTINGS_MODULE": self.settings, "PYTHONPATH": str(self.project)}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a management command."""
        return subprocess.Popen(
            [sys.executable, str(self.project / "manage.py"), *words],
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def run(self, *words: str) -> Done:
        """Run a management command and return how it ended."""
        process = self.start(*words)
        output, _ = process.communicate(timeout=LIMIT_S)
        return Done(code=process.returncode, output=output)

    def manage(self, *words: str) -> str:
        """Run a management command that must succeed and return what it printed."""
        done = self.run(*words)
        assert done.code == 0, f"manage.py {' '.join(words)} ended with {done.code}:\n{done.output}"
        return done.output

    def script(self, text: str) -> str:
        """Run a script in Django's shell and return what it printed."""
        return self.manage("shell", "--no-imports", "--command", text)


def migrations_of(project: Path = BACKEND) -> list[tuple[str, str]]:
    """Return every migration of the shop's own apps as (app, name), in the order of their names."""
    return [(app, path.stem) for app in APPS for path in sorted((project / app / "migrations").glob("0*.py"))]
