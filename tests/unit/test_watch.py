"""Which saved files count."""

from __future__ import annotations

import os
from pathlib import Path

from stack.commands import watch


def test_a_saved_file_is_a_difference_and_a_test_or_a_cache_is_not(tmp_path: Path) -> None:
    for path in ("app/views.py", "tests/test_views.py", "__pycache__/views.py", ".venv/x.py", "data.bin"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    before = watch.snapshot(tmp_path)
    assert list(before) == [tmp_path / "app/views.py"]
    os.utime(tmp_path / "app/views.py", ns=(1, 1))
    (tmp_path / "new.html").touch()
    assert watch.differences(before, watch.snapshot(tmp_path)) == [
        tmp_path / "app/views.py",
        tmp_path / "new.html",
    ]
