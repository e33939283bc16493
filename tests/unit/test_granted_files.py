from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stack.engines.local.granted_files import path_of, write_files
from stack.errors import ComposeError
from stack.model import FileGrant, Service


def grant(name: str, **values: object) -> FileGrant:
    return FileGrant(kind="secret", name=name, target=f"/run/secrets/{name}", **values)  # type: ignore[arg-type]


def test_a_secret_is_a_file_with_its_content_and_mode(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("from a file")
    copied = grant("copied", file=tmp_path / "token.txt")
    written = grant("written", content="from a variable", mode=0o400)
    for _ in range(2):  # again at the next start
        write_files(Service(name="web", files=(copied, written)), tmp_path / "web")
    assert path_of(copied, tmp_path / "web").read_text() == "from a file"
    assert path_of(written, tmp_path / "web").read_text() == "from a variable"
    assert stat.S_IMODE(path_of(written, tmp_path / "web").stat().st_mode) == 0o400


def test_an_external_secret_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match=r"services\.web\.secrets: outside is external"):
        write_files(Service(name="web", files=(grant("outside"),)), tmp_path)
    with pytest.raises(ComposeError, match=r"services\.web\.secrets: lost cannot be read"):
        write_files(Service(name="web", files=(grant("lost", file=tmp_path / "none"),)), tmp_path)
