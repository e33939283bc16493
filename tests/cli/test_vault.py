"""The profile `vault`: the secrets of the local stack are in a real server."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import urllib.request
from collections.abc import Iterator

import pytest

from cli.conftest import ENGINE
from cli.terminal import inv
from unprotected.protection import Cut, protected_by

SETTING = "from django.conf import settings; print(settings.SECRET_KEY)"
STORED = "VAULT_ADDR=http://127.0.0.1:${PORT:-8200} bao kv get -field=SECRET_KEY secret/shop/backend"
OTHER_DATABASE = (
    "VAULT_ADDR=http://127.0.0.1:${PORT:-8200} bao kv patch secret/shop/backend"
    ' DATABASE_URL="${DATABASE_URL%/*}/other"'
)

NETWORKS = {"networks": "", "one network": "0"} if ENGINE == "local" else {ENGINE: ""}


@pytest.fixture(scope="module", params=list(NETWORKS.values()), ids=list(NETWORKS))
def stack(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Start the stack; locally with a network for each service, and with one for all."""
    environment = {"STACK_NAME": f"cli-{secrets.token_hex(3)}", "STACK_NETWORKS": request.param}
    try:
        started = inv(f"up --engine {ENGINE} --profile vault", environment, limit_s=300)
        assert started.code == 0, started.out + started.err
        yield environment
    finally:
        inv("down --volumes", environment, limit_s=120)


def read(stack: dict[str, str], service: str, *command: str) -> str:
    """Return the last line that a command prints in a service."""
    ended = inv(f"exec {service} {shlex.quote(shlex.join(command))}", stack)
    assert ended.code == 0, ended.out + ended.err
    return ended.out.strip().splitlines()[-1]


@protected_by(
    "the profile turns Vault on",
    Cut("compose/docker-compose.local.yml", 'VAULT_DISABLED: "false"', 'VAULT_DISABLED: "true"'),
)
def test_the_backend_takes_its_secrets_from_vault(stack: dict[str, str]) -> None:
    used = read(stack, "backend", "python", "manage.py", "shell", "-c", SETTING)
    assert re.fullmatch("[0-9a-f]{64}", used)
    assert used == read(stack, "vault", "sh", "-c", STORED)


@protected_by(
    "the backend asks Vault which database is its own",
    Cut("backend/config/preparation.py", 'vault.secret("DATABASE_URL",', 'env.text("DATABASE_URL",'),
    Cut("backend/config/preparation.py", "from config import vault", "from config import env, vault"),
)
def test_the_shop_serves_from_the_database_that_vault_names(stack: dict[str, str]) -> None:
    assert inv("psql 'CREATE DATABASE other'", stack).code == 0
    read(stack, "vault", "sh", "-c", OTHER_DATABASE)
    restarted = inv("restart backend", stack, limit_s=120)
    assert restarted.code == 0, restarted.out + restarted.err
    (row,) = (row for row in json.loads(inv("ps --json", stack).out) if row["service"] == "backend")
    address = str(row["ports"]).partition("->")[0]
    with urllib.request.urlopen(f"http://{address}/api/v1/products?limit=1", timeout=30) as response:
        assert json.load(response)["items"]
    sessions = "SELECT count(*) > 0 AS served FROM pg_stat_activity WHERE datname = 'other'"
    assert "t" in inv(f'psql "{sessions}"', stack).out.split()
