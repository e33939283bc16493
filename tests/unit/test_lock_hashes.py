"""The hashes of poetry.lock and pdm.lock are verified: by uv itself, with packages in a folder."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from stack.environments import pinned_lock, virtualenv
from stack.errors import LockMismatch

PYPROJECT = '[project]\nname = "shop"\nrequires-python = ">=3.11"\ndependencies = ["direct"]\n'
LISTED = """
[[package]]
name = "{name}"
version = "1.0"
files = [{{file = "{name}-1.0-py3-none-any.whl", hash = "sha256:{digest}"}}]
"""
IN_A_TABLE = """
[[package]]
name = "{name}"
version = "1.0"
[metadata.files]
{key} = [{{file = "{name}-1.0-py3-none-any.whl", hash = "sha256:{digest}"}}]
"""
WRONG = "0" * 64


def write_wheel(folder: Path, name: str, requires: str = "", version: str = "1.0") -> str:
    """Write a package without any code; return the SHA-256 of its wheel."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{info}/METADATA": metadata + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={_record_digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _record_digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The packages of a folder that is the only index: ``direct`` needs ``indirect``."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))
    for name in ("pip", "setuptools", "wheel"):  # those of an image of Python before 3.12
        write_wheel(wheels, name)
    return {"direct": write_wheel(wheels, "direct", "indirect"), "indirect": write_wheel(wheels, "indirect")}


def install(folder: Path, lock: str, digests: dict[str, str]) -> Path:
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / lock).write_text("".join(LISTED.format(name=n, digest=d) for n, d in digests.items()))
    find = pinned_lock.find_poetry if lock == pinned_lock.POETRY else pinned_lock.find_pdm
    found = find(folder)
    assert found is not None
    return virtualenv.install(found, name="shop").path


@pytest.mark.parametrize("lock", [pinned_lock.POETRY, pinned_lock.PDM])
def test_packages_with_the_hashes_of_the_lock_are_installed(
    tmp_path: Path, digests: dict[str, str], lock: str
) -> None:
    made = install(tmp_path, lock, digests)
    assert {each.name for each in made.glob("lib/*/site-packages/*direct-1.0.dist-info")} == {
        "direct-1.0.dist-info",
        "indirect-1.0.dist-info",
    }


@pytest.mark.parametrize("name", ["direct", "indirect"])
@pytest.mark.parametrize("lock", [pinned_lock.POETRY, pinned_lock.PDM])
def test_a_package_with_another_hash_is_refused(
    tmp_path: Path, digests: dict[str, str], lock: str, name: str
) -> None:
    with pytest.raises(LockMismatch, match=f"Hash mismatch for `{name}==1.0`"):
        install(tmp_path, lock, {**digests, name: WRONG})


@pytest.mark.parametrize("key", ["old", '"old 1.0"'])
def test_older_locks_keep_the_hashes_in_a_table_of_their_own(tmp_path: Path, key: str) -> None:
    (tmp_path / "a.lock").write_text(IN_A_TABLE.format(name="old", digest=WRONG, key=key))
    assert pinned_lock.constraints(tmp_path / "a.lock") == f"old==1.0 --hash=sha256:{WRONG}\n"
