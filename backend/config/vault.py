"""Where secrets come from: the environment when VAULT_DISABLED=true, else Vault's KV version 2.

There is no fallback: with Vault on, a secret that Vault does not have, or a Vault that does not answer, ends
the start with one sentence. Development and CI have Vault off unless VAULT_DISABLED=false; production
has it on, and turns it off only when PRODUCTION_WITHOUT_VAULT=true says so too.

VAULT_ADDR, VAULT_TOKEN or VAULT_TOKEN_FILE, VAULT_MOUNT (`secret`), VAULT_PATH (`shop/backend`) say where.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from config import env

TIMEOUT_S = 5


def is_production() -> bool:
    """Return whether the production settings are in use."""
    return os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith(".production")


def is_disabled() -> bool:
    """Return whether secrets come from the environment. Raises: BadEnvironment where that is not allowed."""
    disabled = env.flag("VAULT_DISABLED", not is_production())
    if disabled and is_production() and not env.flag("PRODUCTION_WITHOUT_VAULT", False):
        raise env.BadEnvironment(
            "VAULT_DISABLED=true, but production keeps its secrets in Vault: "
            "set PRODUCTION_WITHOUT_VAULT=true as well if this is intended."
        )
    return disabled


def secret(name: str, default: str) -> str:
    """Return a secret; `default` is for the environment alone. Raises: BadEnvironment."""
    if is_disabled():
        return env.text(name, default)
    value = _secrets().get(name)
    if not isinstance(value, str) or not value:
        raise env.BadEnvironment(f"Vault has no {name} at {_location()}.")
    return value


@lru_cache(maxsize=1)
def _secrets() -> dict[str, Any]:
    try:
        mount, path = env.text("VAULT_MOUNT", "secret"), env.text("VAULT_PATH", "shop/backend")
        response = _client().secrets.kv.v2.read_secret_version(
            path=path, mount_point=mount, raise_on_deleted_version=True
        )
    except env.BadEnvironment:
        raise
    except Exception as failure:
        raise env.BadEnvironment(
            f"Vault did not give the secrets at {_location()} "
            f"({type(failure).__name__}: {_first_line(failure)}): "
            "check VAULT_ADDR and the token, or set VAULT_DISABLED=true."
        ) from failure
    return response["data"]["data"]


@lru_cache(maxsize=1)
def _client() -> Any:
    address, token = env.text("VAULT_ADDR"), _token()
    import hvac

    return hvac.Client(url=address, token=token, timeout=TIMEOUT_S)


def _token() -> str:
    file = os.environ.get("VAULT_TOKEN_FILE")
    return Path(file).read_text().strip() if file else env.text("VAULT_TOKEN")


def _location() -> str:
    mount, path = env.text("VAULT_MOUNT", "secret"), env.text("VAULT_PATH", "shop/backend")
    return f"{env.text('VAULT_ADDR')} {mount}/{path}"


def _first_line(failure: Exception) -> str:
    return (str(failure).splitlines() or [""])[0][:200]


def token_renew() -> int:
    """Renew the token once less than half of its time is left; return 1 if it was renewed, else 0."""
    if is_disabled():
        return 0
    tokens = _client().auth.token
    token = tokens.lookup_self()["data"]
    if not token.get("renewable") or token["ttl"] > token.get("creation_ttl", 0) / 2:
        return 0
    tokens.renew_self()
    return 1
