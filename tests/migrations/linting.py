"""What two linters say of migrations: each finds what the other does not.

django-migration-linter looks at operations (dropped columns, NOT NULL), squawk at the SQL that Postgres gets
(lock timeouts, indexes built without CONCURRENTLY, changed types).
"""

from __future__ import annotations

import itertools
import json
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from migrations.backend import ROOT, Backend, migrations_of

MARK = "linted: "
LINT = """
import contextlib, io, json
from django.core.management import call_command

for app, name, excluded in json.loads({work}):
    output, sql, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            options = ["--exclude-migration-tests", *excluded] if excluded else []
            call_command("lintmigrations", app, name, "--no-cache", "--warnings-as-errors", *options)
        except SystemExit as ended:
            code = ended.code
    call_command("sqlmigrate", app, name, stdout=sql)
    row = dict(name=app + "." + name, code=code, output=output.getvalue(), sql=sql.getvalue())
    print("linted: " + json.dumps(row))
"""
"""One process for all migrations: to start Django takes longer than to look at one."""

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


def complaints(backend: Backend, migrations: list[tuple[str, str]]) -> list[str]:
    """Return what the linters find in migrations; nothing where they are well, or accepted."""
    accepted_rules = accepted()
    rules = {
        f"{app}.{name}": [accepted_rules["everywhere"], accepted_rules.get(f"{app}.{name}", {})]
        for app, name in migrations
    }
    work = [[*full.split(".", 1), _excluded(each, "django-migration-linter")] for full, each in rules.items()]
    lines = backend.script(LINT.format(work=json.dumps(json.dumps(work)))).splitlines()
    linted = [json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK)]
    assert len(linted) == len(migrations), lines
    of_django = [f"django-migration-linter: {row['output']}" for row in linted if row["code"]]
    of_squawk = (_of_squawk(row["name"], row["sql"], rules[row["name"]]) for row in linted)
    return [*of_django, *itertools.chain.from_iterable(of_squawk)]


def _excluded(rules: list[dict[str, Any]], linter: str) -> list[str]:
    return [code for each in rules for code in each.get(linter, [])]


def _of_squawk(name: str, sql: str, rules: list[dict[str, Any]]) -> Iterator[str]:
    words = ["squawk", "--pg-version", "15", "--exclude", ",".join(_excluded(rules, "squawk"))]
    words += ["--stdin-filepath", f"{name}.sql"]
    checked = subprocess.run(words, input=sql, capture_output=True, encoding="utf-8", check=False)
    if checked.returncode != 0:
        yield f"squawk: {checked.stdout}{checked.stderr}"
