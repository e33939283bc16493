"""docs/dependencies.md has one line for every direct dependency, and none for what is not used."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stack.system.directories import ROOT

PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PROJECTS = (
    "pyproject.toml",
    "backend/pyproject.toml",
    "ai-services/api_gateway/pyproject.toml",
    "compose/dashboard/pyproject.toml",
    "compose/pgadmin/pyproject.toml",
    "compose/vault/pyproject.toml",
)
TESTS = "integration_tests/pyproject.toml"


def names(requirements: Iterable[Any]) -> Iterator[str]:
    for entry in requirements:
        if isinstance(entry, str):  # else {"include-group": ...}, whose own group is read
            yield canonicalize_name(Requirement(entry).name)


def direct(file: str) -> set[str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    if file.endswith(".in"):
        lines = (line.partition("#")[0].strip() for line in text.splitlines())
        return set(names(line for line in lines if line))
    if file.endswith(".json"):
        return set(json.loads(text)["dependencies"])
    read = tomllib.loads(text)
    groups = [read["project"]["dependencies"], *read.get("dependency-groups", {}).values()]
    return {name for group in groups for name in names(group)}


FOLDERS = ("tools/requirements", "stack/engines/local", "stack/environments")
FILES = [
    *PROJECTS,
    TESTS,
    "compose/redis-ui/package.json",
    *(f"{folder}/{file.name}" for folder in FOLDERS for file in (ROOT / folder).glob("*.in")),
]
ROWS = [
    tuple(cell.strip() for cell in row.strip("|").split("|")) for row in re.findall(r"^\| .* \|$", PAGE, re.M)
]
EXPLAINED = {canonicalize_name(row[0]) for row in ROWS if row[0] not in {"package", "---"}}


@pytest.mark.parametrize("file", FILES)
def test_every_direct_dependency_has_its_line(file: str) -> None:
    assert direct(file) - EXPLAINED == set()


def test_every_row_is_about_a_dependency_in_use() -> None:
    assert set().union(*map(direct, FILES)) == EXPLAINED


def test_every_line_says_what_for_why_who_and_which_licence() -> None:
    assert [row for row in ROWS if len(row) != 5 or not all(row)] == []
