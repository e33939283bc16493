"""The compose files in the root are doors to those in compose/: the documented command lines work there."""

from __future__ import annotations

import pytest
import yaml

from stack import compose
from stack.system.directories import ROOT


@pytest.mark.parametrize("kind", ["local", "ci"])
def test_a_file_in_the_root_includes_the_stack_and_nothing_else(kind: str) -> None:
    name = f"docker-compose.{kind}.yml"
    door = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    stack = yaml.safe_load((ROOT / "compose" / name).read_text(encoding="utf-8"))
    assert door == {"name": stack["name"], "include": [f"compose/{name}"]}


@pytest.mark.parametrize("kind", ["local", "ci"])
def test_both_files_describe_the_same_services(kind: str) -> None:
    name = f"docker-compose.{kind}.yml"
    assert compose.load(ROOT / name).services == compose.load(ROOT / "compose" / name).services
