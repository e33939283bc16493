"""docs/architecture.md is true: its floors are those of import-linter, and every path it names exists."""

from __future__ import annotations

import re
import tomllib

import pytest

from stack.system.directories import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
FLOORS = [
    set(layer.split(" | "))
    for contract in CONTRACTS
    if contract.get("containers") == ["stack"]
    for layer in contract["layers"]
]
PICTURE = PAGE.split("```")[1]
TOPS = ("stack", "tests", "tools", "docs", "compose", "integration_tests")
PATHS = sorted(
    path
    for path in set(re.findall(r"`([\w./-]+)`", PAGE))
    if (path.split("/")[0] in TOPS and "/" in path) or path.endswith(".py")
)
PACKAGES = sorted(path.parent.name for path in (ROOT / "stack").glob("*/__init__.py"))


def cells(line: str) -> set[str]:
    """Return the packages in one row of boxes."""
    return {cell.split()[0].removesuffix(".py") for cell in line.strip("|").split("|")[:3] if cell.split()}


def test_the_picture_has_the_floors_of_import_linter() -> None:
    rows = [line for line in PICTURE.splitlines() if line.startswith("| ")]
    drawn = [{name for name in cells(line) if name in set().union(*FLOORS)} for line in rows]
    assert drawn == FLOORS


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_its_paragraph(package: str) -> None:
    assert re.search(rf"^### `stack/{package}/`\n\n\w", PAGE, re.MULTILINE)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_it_names_exists(path: str) -> None:
    assert (ROOT / path).exists()
