"""What two linters say of migrations: each finds what the other does not.

django-migration-linter looks at operations (dropped columns, NOT NULL), squawk at the SQL that Postgres gets
(lock timeouts, indexes built without CONCURRENTLY, changed types).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

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


def complaints(backend: Backend, app: str, name: str) -> list[str]:
    """Return what the linters find in one migration; nothing where it is well."""
    found = []
    linted = backend.run("lintmigrations", app, name, "--no-cache", "--warnings-as-errors")
    if linted.code != 0:
        found.append(f"django-migration-linter: {linted.output}")
    sql = backend.manage("sqlmigrate", app, name)
    checked = subprocess.run(
        ["squawk", "--pg-version", "15", "--stdin-filepath", f"{app}.{name}.sql"],
        input=sql,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if checked.returncode != 0:
        found.append(f"squawk: {checked.stdout}{checked.stderr}")
    return found
