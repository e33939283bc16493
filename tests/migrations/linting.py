"""What two linters say of migrations: each finds what the other does not.

django-migration-linter looks at operations (dropped columns, NOT NULL), squawk at the SQL that Postgres gets
(lock timeouts, indexes built without CONCURRENTLY, changed types).
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from migrations.backend import ROOT, Backend, migrations_of

RELEASES = Path(__file__).parent / "releases"


def released(changelog: str) -> set[tuple[str, str]]:
    """Return the migrations that a release has brought to databases: they cannot be changed any more.

    A release is one that the changelog has a heading of; the dump of the next one is made before it.
    """
    paths = [path for path in RELEASES.glob("*.migrations") if f"\n## [{path.stem}]" in changelog]
    lines = [line for path in paths for line in path.read_text().splitlines()]
    return {(app, name) for app, _, name in (line.partition(".") for line in lines)}


def unreleased(project: Path) -> list[tuple[str, str]]:
    """Return the migrations that can still be changed."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return [each for each in migrations_of(project) if each not in released(changelog)]


def accepted() -> dict[str, dict[str, Any]]:
    """Return what is accepted of which migration, by which linter, and why."""
    return tomllib.loads((Path(__file__).parent / "accepted.toml").read_text(encoding="utf-8"))


def complaints(backend: Backend, app: str, name: str) -> list[str]:
    """Return what the linters find in one migration; nothing where it is well, or accepted."""
    rules = [accepted()["everywhere"], accepted().get(f"{app}.{name}", {})]
    return [*_of_django(backend, app, name, rules), *_of_squawk(backend, app, name, rules)]


def _of_django(backend: Backend, app: str, name: str, rules: list[dict[str, Any]]) -> Iterator[str]:
    codes = [code for each in rules for code in each.get("django-migration-linter", [])]
    words = [app, name, "--no-cache", "--warnings-as-errors"]
    words += ["--exclude-migration-tests", *codes] if codes else []
    linted = backend.run("lintmigrations", *words)
    if linted.code != 0:
        yield f"django-migration-linter: {linted.output}"


def _of_squawk(backend: Backend, app: str, name: str, rules: list[dict[str, Any]]) -> Iterator[str]:
    names = [rule for each in rules for rule in each.get("squawk", [])]
    words = ["squawk", "--pg-version", "15", "--exclude", ",".join(names)]
    checked = subprocess.run(
        [*words, "--stdin-filepath", f"{app}.{name}.sql"],
        input=backend.manage("sqlmigrate", app, name),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if checked.returncode != 0:
        yield f"squawk: {checked.stdout}{checked.stderr}"
