"""Secrets from a real Vault (OpenBao): required, never replaced by something else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import preparation, vault
from config.env import BadEnvironment
from tests.servers import VaultServer, wait_until

BACKEND = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def running():
    with VaultServer() as server:
        server.store(SECRET_KEY="from-vault", DATABASE_URL="sqlite:////from/vault.sqlite3")
        yield server


@pytest.fixture
def server(running, monkeypatch):
    use(running, monkeypatch, token=running.make_token(ttl="1h"))
    yield running
    forget()


def use(server, monkeypatch, *, token):
    forget()
    monkeypatch.setenv("VAULT_DISABLED", "false")
    monkeypatch.setenv("VAULT_ADDR", server.url)
    monkeypatch.setenv("VAULT_TOKEN", token)
    monkeypatch.setenv("SECRET_KEY", "from-environment")
    monkeypatch.setenv("DATABASE_URL", "sqlite:////from/environment.sqlite3")


def forget():
    if vault._client.cache_info().currsize:
        vault._client().adapter.close()
    vault._secrets.cache_clear()
    vault._client.cache_clear()


def test_a_secret_comes_from_vault_not_from_the_environment(server):
    assert vault.secret("SECRET_KEY", "default") == "from-vault"


def test_a_token_may_come_from_a_file(server, monkeypatch, tmp_path):
    (tmp_path / "token").write_text(f"{os.environ['VAULT_TOKEN']}\n")
    monkeypatch.setenv("VAULT_TOKEN", "bad")
    monkeypatch.setenv("VAULT_TOKEN_FILE", str(tmp_path / "token"))
    assert vault.secret("SECRET_KEY", "default") == "from-vault"


def test_preparation_uses_the_database_that_vault_names(server):
    assert preparation.database_url() == "sqlite:////from/vault.sqlite3"
    assert str(preparation.sqlite_path()) == "/from/vault.sqlite3"


def test_gunicorn_prepares_the_database_that_vault_names(running, tmp_path):
    with VaultServer() as own:
        own.store(
            SECRET_KEY="x" * 10,
            PAYMENT_WEBHOOK_SECRET="y",
            DATABASE_URL=f"sqlite:///{tmp_path}/vault.sqlite3",
        )
        environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "config.settings.ci",
            "DATABASE_URL": f"sqlite:///{tmp_path}/environment.sqlite3",
            "SEED_PRODUCTS": "7",
            "TEMPLATE_DIR": str(tmp_path / "templates"),
            "VAULT_ADDR": own.url,
            "VAULT_DISABLED": "false",
            "VAULT_TOKEN": "root",
        }
        script = "from config import preparation as p; print(p.prepare(), p.is_prepared())"
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=BACKEND,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == ["True", "True"]
    assert [file.name for file in tmp_path.glob("*.sqlite3")] == ["vault.sqlite3"]


def test_what_vault_does_not_have_is_not_taken_from_elsewhere(server, monkeypatch):
    monkeypatch.setenv("PAYMENT_WEBHOOK_SECRET", "from-environment")
    with pytest.raises(BadEnvironment, match="Vault has no PAYMENT_WEBHOOK_SECRET at"):
        vault.secret("PAYMENT_WEBHOOK_SECRET", "default")


def test_a_refused_token_is_reported(server, monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", "bad")
    with pytest.raises(BadEnvironment, match=r"Vault did not give the secrets at .*Forbidden"):
        vault.secret("SECRET_KEY", "default")


def test_an_unreachable_vault_is_reported_without_the_token(server, monkeypatch):
    token = os.environ["VAULT_TOKEN"]
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    with pytest.raises(BadEnvironment, match="check VAULT_ADDR") as refusal:
        vault.secret("SECRET_KEY", "default")
    assert token not in str(refusal.value)


def test_a_sealed_vault_is_reported(monkeypatch):
    with VaultServer() as server:
        server.store(SECRET_KEY="from-vault")
        use(server, monkeypatch, token="root")
        server.root.sys.seal()
        with pytest.raises(BadEnvironment, match=r"Vault did not give the secrets at .*sealed"):
            vault.secret("SECRET_KEY", "default")
        forget()


def test_the_token_is_renewed_in_the_second_half_of_its_life(server, monkeypatch):
    assert vault.token_renew() == 0
    use(server, monkeypatch, token=server.make_token(ttl="4s"))
    wait_until(vault.token_renew, "the token is renewed")
    assert vault._client().auth.token.lookup_self()["data"]["ttl"] >= 3


def test_a_token_that_expires_while_the_shop_serves_is_reported_and_the_secrets_stay(server, monkeypatch):
    use(server, monkeypatch, token=server.make_token(ttl="1s"))
    assert vault.secret("SECRET_KEY", "default") == "from-vault"

    def is_expired():
        try:
            vault._client().auth.token.lookup_self()
        except Exception as failure:
            return type(failure).__name__ == "Forbidden"
        return False

    wait_until(is_expired, "the token expires")
    with pytest.raises(Exception, match="permission denied"):
        vault.token_renew()
    assert vault.secret("SECRET_KEY", "default") == "from-vault"


def test_a_disabled_vault_is_not_asked(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "from-environment")
    assert vault.secret("SECRET_KEY", "default") == "from-environment"
    assert vault.token_renew() == 0
