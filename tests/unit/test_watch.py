"""Which saved files reload which service."""

from __future__ import annotations

from pathlib import Path

import pytest
from watchfiles import Change

from stack.commands import watch

SHOP, GATEWAY = Path("/tree/backend"), Path("/tree/gateway")


@pytest.mark.parametrize("file", ["app/views.py", "templates/new.html", "pyproject.toml"])
def test_a_source_file_of_a_project_counts(file: str) -> None:
    assert watch.is_source(str(SHOP / file), [GATEWAY, SHOP])


@pytest.mark.parametrize(
    "file", ["tests/test_views.py", "app/__pycache__/views.py", ".venv/x.py", "data.bin"]
)
def test_tests_caches_data_and_other_folders_do_not_count(file: str) -> None:
    assert not watch.is_source(str(SHOP / file), [SHOP])
    assert not watch.is_source("/tree/other/app.py", [SHOP])


def test_only_the_service_whose_file_was_saved_is_reloaded() -> None:
    changes = {(Change.modified, str(SHOP / "app/views.py")), (Change.added, str(SHOP / "app/new.py"))}
    found = list(watch.changed_services({"gateway": GATEWAY, "backend": SHOP}, changes))
    assert found == [("backend", Path("app/new.py"))]
