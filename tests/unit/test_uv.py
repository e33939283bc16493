"""The environment in which uv runs."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from stack.environments import uv


def trust(monkeypatch: pytest.MonkeyPatch, cafile: Path | None, capath: Path | None = None) -> None:
    """Let the system's certificates be in this file or folder."""
    names = {"cafile": str(cafile) if cafile else None, "capath": str(capath) if capath else None}
    paths = ssl.get_default_verify_paths()._replace(**names)  # type: ignore[arg-type]
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)


def test_uv_trusts_the_certificates_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(monkeypatch, tmp_path / "ca.pem")
    assert uv.environment_of({"HOME": "/h"}) == {"HOME": "/h", "UV_SYSTEM_CERTS": "1"}


def test_uv_keeps_its_own_certificates_where_the_system_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, None, tmp_path)
    assert uv.environment_of({}) == {}
    (tmp_path / "company.pem").touch()
    assert uv.environment_of({}) == {"UV_SYSTEM_CERTS": "1"}


def test_what_the_user_has_decided_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(monkeypatch, tmp_path / "ca.pem")
    assert uv.environment_of({"UV_SYSTEM_CERTS": "0", "UV_PYTHON": "3.9"}) == {"UV_SYSTEM_CERTS": "0"}
