"""What `inv up` says of a stack's addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from recorded_stacks import write_state

from stack.display import status


def test_endpoints_are_shown_with_what_tries_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    stack = write_state("shop", tmp_path, pid=1)
    stack = replace(
        stack, endpoints={"WEB_URL": "http://127.0.0.1:8000", "DB": "postgresql://u:pw@127.0.0.1:1/d"}
    )
    assert status.address_lines(stack) == [
        "  WEB_URL       http://127.0.0.1:8000",
        "  DB            postgresql://u:***@127.0.0.1:1/d",
        "  try: curl http://127.0.0.1:8000/health/",
    ]


def test_a_project_without_endpoints_has_the_ports_of_its_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    stack = replace(write_state("shop", tmp_path, pid=1), ports={"web": {80: 8000}, "job": {}})
    stack = replace(stack, endpoints={}, further_ports={"web": ((80, 8001), (81, 8002))})
    assert status.address_lines(stack) == [
        "  web           127.0.0.1:8000 -> 80, 127.0.0.1:8001 -> 80, 127.0.0.1:8002 -> 81"
    ]
