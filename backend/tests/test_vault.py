"""Secrets from Vault: demanded, never replaced by something else."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from config import vault
from config.env import BadEnvironment


class Answers(BaseHTTPRequestHandler):
    """As much of Vault as the settings ask for."""

    secrets, token = {}, {}
    renewed = 0

    def do_GET(self):
        good = self.headers["X-Vault-Token"] == "good"
        data = self.token if self.path.endswith("lookup-self") else {"data": self.secrets, "metadata": {}}
        self._say(200 if good else 403, {"data": data} if good else {"errors": ["permission denied"]})

    def do_POST(self):
        type(self).renewed += 1
        self._say(200, {"auth": {"client_token": "good"}})

    do_PUT = do_POST  # noqa: N815

    def _say(self, status, content):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    Answers.secrets, Answers.token, Answers.renewed = {"SECRET_KEY": "from-vault"}, {}, 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("VAULT_DISABLED", "false")
    monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("VAULT_TOKEN", "good")
    monkeypatch.setenv("SECRET_KEY", "from-environment")
    forget()
    yield server
    if vault._client.cache_info().currsize:
        vault._client().adapter.session.close()
    forget()
    server.shutdown()
    server.server_close()


def forget():
    vault._secrets.cache_clear()
    vault._client.cache_clear()


def test_a_secret_comes_from_vault_not_from_the_environment(server):
    assert vault.secret("SECRET_KEY", "default") == "from-vault"


def test_what_vault_does_not_have_is_not_taken_from_elsewhere(server, monkeypatch):
    monkeypatch.setenv("PAYMENT_WEBHOOK_SECRET", "from-environment")
    with pytest.raises(BadEnvironment, match="Vault has no PAYMENT_WEBHOOK_SECRET at"):
        vault.secret("PAYMENT_WEBHOOK_SECRET", "default")


def test_a_refused_token_is_said(server, monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", "bad")
    with pytest.raises(BadEnvironment, match=r"Vault did not give the secrets at .*Forbidden"):
        vault.secret("SECRET_KEY", "default")


def test_an_unreachable_vault_is_said_without_the_token(server, monkeypatch):
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    with pytest.raises(BadEnvironment, match="check VAULT_ADDR") as refusal:
        vault.secret("SECRET_KEY", "default")
    assert "good" not in str(refusal.value)


def test_the_token_is_renewed_in_the_second_half_of_its_life(server):
    Answers.token = {"renewable": True, "ttl": 60, "creation_ttl": 100}
    assert vault.token_renew() == 0
    Answers.token = {"renewable": True, "ttl": 40, "creation_ttl": 100}
    assert (vault.token_renew(), Answers.renewed) == (1, 1)


def test_a_disabled_vault_is_not_asked(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "from-environment")
    assert vault.secret("SECRET_KEY", "default") == "from-environment"
    assert vault.token_renew() == 0
