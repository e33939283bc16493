"""What a client of a stack's database, and a hostile name, can do to the machine: nothing."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.terminal import Ended, inv
from unprotected.protection import Cut, protected_by

CLUSTER, NAMES = "stack/engines/local/cluster.py", "stack/records/names.py"
COMPOSE = "compose/docker-compose.local.yml"
ANEW = Cut(CLUSTER, 'FORMAT = "3"', 'FORMAT = "unprotected superuser"')
"""Not a data folder that was prepared with the protection."""
ANY_NAME = Cut(NAMES, 'NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")', 'NAME = re.compile(".*")')
STATEMENTS = {
    "a program": "COPY (SELECT 'x') TO PROGRAM 'tee {file}'",
    "a file": "COPY (SELECT 'x') TO '{file}'",
    "reading": "SELECT pg_read_file('/etc/passwd')",
    "a large object": "SELECT lo_import('/etc/passwd')",
    "superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "a role": "GRANT pg_execute_server_program TO CURRENT_USER",
    "a setting": "ALTER SYSTEM SET archive_command = 'tee {file}'",
    "a library": "CREATE FUNCTION f(cstring) RETURNS int AS 'libc.so.6', 'system' LANGUAGE c",
}


@pytest.fixture(scope="module")
def stack() -> Iterator[dict[str, str]]:
    """Start the local stack on the local engine; give the environment in which `inv` finds it."""
    environment = {"STACK_NAME": f"abuse-{secrets.token_hex(3)}"}
    try:
        started = inv("up --engine local", environment, limit_s=300)
        assert started.code == 0, started.out + started.err
        yield environment
    finally:
        inv("down --volumes", environment, limit_s=120)


def psql(stack: dict[str, str], statement: str) -> Ended:
    """Run a statement as the user whose password everybody knows."""
    return inv(f"psql {shlex.quote(statement)}", stack)


def test_the_user_of_the_services_owns_its_database(stack: dict[str, str]) -> None:
    made = psql(stack, "CREATE TABLE mine (id int); DROP TABLE mine; SELECT 'done'")
    assert (made.code, "done" in made.out) == (0, True)


@protected_by(
    "POSTGRES_USER is no superuser",
    Cut(CLUSTER, "LOGIN CREATEDB{password}", "LOGIN SUPERUSER{password}"),
    ANEW,
)
@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_a_client_of_postgres_cannot_reach_the_machine(
    stack: dict[str, str], tmp_path: Path, statement: str
) -> None:
    tmp_path.chmod(0o777)
    file = tmp_path / "written"
    refused = psql(stack, statement.format(file=file))
    assert refused.code != 0
    text = refused.out + refused.err
    assert "permission denied" in text or "must be superuser" in text or "must have admin option" in text
    assert not file.exists()


@protected_by("a client of Redis has no administration", Cut(COMPOSE, "      - -@admin\n", ""))
@pytest.mark.parametrize("command", ["CONFIG SET dir /tmp", "MODULE LIST", "SAVE", "REPLICAOF NO ONE"])
def test_a_client_of_redis_cannot_reach_the_machine(stack: dict[str, str], command: str) -> None:
    refused = inv(f"redis-cli {shlex.quote(command)}", stack)
    assert "NOPERM" in refused.out + refused.err


@protected_by("a name has no slash", ANY_NAME, cases=["down --volumes"])
@protected_by(
    "a stack has a compose file, and its name no slash",
    ANY_NAME,
    Cut(
        "stack/control/choice.py",
        "if not names.NAME.fullmatch(self.kind) or not main.is_file():",
        "if False:",
    ),
    cases=["down --volumes --stack {name}"],
)
@pytest.mark.parametrize("command", ["down --volumes", "down --volumes --stack {name}"])
def test_a_name_that_is_a_path_deletes_nothing(tmp_path: Path, command: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "file").write_text("mine")
    inv(command.format(name=folder), {"STACK_NAME": str(folder)})
    assert (folder / "file").is_file()
