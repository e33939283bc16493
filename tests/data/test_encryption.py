from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.keys import Keys, age_identity
from data.stack import Stack
from data.test_backup import BRANDS, change, oid
from unprotected.protection import Cut, protected_by

BACKUP = "stack/data/backup.py"


@pytest.fixture
def gpg_keys() -> Iterator[Keys]:
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:  # gpg's agent wants a short path
        environment = {"GNUPGHOME": home}
        words = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "shop@example.com"]
        subprocess.run(words, env={**os.environ, **environment}, check=True)
        yield Keys(recipient="shop@example.com", environment=environment)
        subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, **environment}, check=True)


@protected_by(
    "the database is encrypted",
    Cut(BACKUP, "[command, *([encrypt.command()] if encrypt is not None else [])]", "[command]"),
    cases=["gpg"],
)
@protected_by(
    "Redis' keys are encrypted",
    Cut(BACKUP, "(encryption.encrypted(packed, encrypt) if encrypt is not None else packed)", "(packed)"),
    cases=["gpg"],
)
@pytest.mark.parametrize("program", ["age", "gpg"])
def test_only_the_holder_of_the_key_restores_an_encrypted_backup(
    stack: Stack, tmp_path: Path, program: str, request: pytest.FixtureRequest
) -> None:
    pair: Keys = request.getfixturevalue(f"{program}_keys")
    path = tmp_path / "sealed"
    stack.redis("SET basket full")
    done = stack.inv("backup", str(path), "--encrypt", pair.recipient, environment=pair.environment)
    assert (done.code, f"encrypted with {program}" in done.output) == (0, True), done.output
    assert b"PGDMP" not in (path / "database.dump").read_bytes()
    assert not (path / "redis.json.gz").read_bytes().startswith(b"\x1f\x8b")
    change(stack)
    for words in (("backup", "--verify", str(path)), ("restore", str(path))):
        done = stack.inv(*words, *pair.identity, environment=pair.environment)
        assert done.code == 0, done.output
    assert (stack.value(BRANDS), stack.redis("GET basket")) == (0, "full")

    before = (oid(stack), stack.databases())
    (tmp_path / "no-keys").mkdir(mode=0o700)
    others = ("--identity", str(age_identity(tmp_path / "other.txt")))
    for words in ((), others):
        done = stack.inv("restore", str(path), *words, environment={"GNUPGHOME": str(tmp_path / "no-keys")})
        assert (done.code, "could not decrypt it" in done.output) == (53, True), done.output
    assert (oid(stack), stack.databases()) == before


@pytest.mark.parametrize("recipient", ["age1nobody", "nobody@example.com"])
def test_a_recipient_that_is_unknown_is_a_sentence(stack: Stack, tmp_path: Path, recipient: str) -> None:
    environment = {"GNUPGHOME": str(tmp_path)}
    tmp_path.chmod(0o700)
    done = stack.inv("backup", str(tmp_path / "b"), "--encrypt", recipient, environment=environment)
    assert (done.code, f"cannot encrypt for {recipient}" in done.output) == (32, True), done.output
    assert not (tmp_path / "b").exists()
    assert not (tmp_path / "S.dirmngr").exists(), "a key was looked for in the network"
