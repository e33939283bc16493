"""docs/environment-variables.md names every variable of the compose files and of the services' settings."""

from __future__ import annotations

import re
from pathlib import Path

from stack.system.directories import ROOT

PAGE = (ROOT / "docs" / "environment-variables.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", PAGE))
WORDS = {"DEBUG", "INFO", "WARNING", "ERROR"}
BACKEND = re.compile(r"(?:env\.(?:text|flag|number|words)|vault\.secret)\(\s*[\"']([A-Z_]+)[\"']")
READ = re.compile(r"environment(?:\.get\(|, )\"([A-Z_]+)\"")
COMPOSE = re.compile(r"\$\{([A-Z_]+)")
LOGS = {"LOG_FORMAT", "VAULT_TOKEN_FILE", "DJANGO_SETTINGS_MODULE", "WORKER_HEARTBEAT"}
"""Read by other means than those above."""


def names_in(pattern: re.Pattern[str], *files: Path) -> set[str]:
    return {name for file in files for name in pattern.findall(file.read_text(encoding="utf-8"))}


def python_files(folder: str) -> list[Path]:
    files = (ROOT / folder).rglob("*.py")
    return [file for file in files if not {"tests", ".venv", "node_modules"} & set(file.parts)]


def variables() -> set[str]:
    compose = names_in(COMPOSE, *(ROOT / "compose").glob("docker-compose.*.yml"))
    backend = names_in(BACKEND, *python_files("backend"))
    others = python_files("ai-services/api_gateway/gateway") + python_files("compose/dashboard/dashboard")
    return compose | backend | names_in(READ, *others) | LOGS


def test_every_variable_has_its_row() -> None:
    assert variables() - NAMED == set()


def test_every_row_is_about_a_variable_that_is_read() -> None:
    assert NAMED - variables() - WORDS == set()


def test_the_table_of_the_compose_files_has_their_variables_and_no_others() -> None:
    section = PAGE.split("## In the compose files")[1].split("##")[0]
    named = set(re.findall(r"^\| `([A-Z_]+)` ", section, re.MULTILINE))
    assert named == names_in(COMPOSE, *(ROOT / "compose").glob("docker-compose.*.yml"))
