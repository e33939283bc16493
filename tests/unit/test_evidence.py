"""A failed test shows the logs that were written meanwhile, and no others."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import evidence


def test_the_last_lines_of_what_was_written_meanwhile_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "_folders", [])
    logs = tmp_path / "run-1" / "logs"
    logs.mkdir(parents=True)
    (logs / "backend.log").write_text("".join(f"line {number}\n" for number in range(100)))
    (logs / "gateway.log").write_bytes(b"not \xff text\n")
    (logs / "redis.log").write_text("long ago\n")
    began_s = time.time()
    os.utime(logs / "redis.log", (began_s - 60, began_s - 60))
    (logs / "gone.log").symlink_to(tmp_path / "nothing")
    assert evidence.sections(began_s) == []
    evidence.watch(tmp_path)
    backend, gateway = evidence.sections(began_s)
    assert backend == ("log run-1/backend.log", "".join(f"line {number}\n" for number in range(60, 100)))
    assert gateway == ("log run-1/gateway.log", "not \N{REPLACEMENT CHARACTER} text\n")
