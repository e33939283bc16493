"""Production's settings behind the gateway behind a TLS proxy: nginx, gateway and backend are real."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abuse import http1, proxy, services
from abuse.conftest import Start, starter
from abuse.http1 import Response
from abuse.services import Process
from unprotected.protection import Cut, protected_by

PRODUCTION = "backend/config/settings/production.py"

Ask = Callable[..., Response]
GATEWAY_SOURCE = "127.0.0.1"
VISITOR = "127.0.0.5"
JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of this module's services."""
    return tmp_path_factory.mktemp("production")


@pytest.fixture(scope="module")
def start(folder: Path) -> Iterator[Start]:
    """Return a function that starts a service for all tests of this module."""
    with starter(folder) as start_service:
        yield start_service


@pytest.fixture(scope="module")
def backend(start: Start) -> Process:
    """Production's backend, which trusts the gateway's address alone."""
    return start(
        services.backend,
        DJANGO_SETTINGS_MODULE="config.settings.production",
        PRODUCTION_WITHOUT_VAULT="true",
        SECRET_KEY=secrets.token_urlsafe(50),
        PAYMENT_WEBHOOK_SECRET=secrets.token_urlsafe(50),
        ALLOWED_HOSTS=f"{proxy.DOMAIN},{services.HOST}",
        TRUSTED_PROXIES=GATEWAY_SOURCE,
    )


@pytest.fixture(scope="module")
def gateway(start: Start, backend: Process) -> Process:
    """A gateway that trusts nginx' address alone."""
    return start(services.gateway, backend, TRUSTED_PROXIES=proxy.SOURCE)


@pytest.fixture(scope="module")
def ask(start: Start, gateway: Process, folder: Path) -> Ask:
    """Return a function that asks nginx over TLS."""
    server = start(proxy.nginx, gateway)
    context = proxy.trust(folder)

    def ask_server(
        method: str, path: str, *fields: str, body: bytes = b"", host: str = proxy.DOMAIN
    ) -> Response:
        framing = [f"Content-Length: {len(body)}"] if body else []
        head = http1.head(method, path, *fields, *framing, "Connection: close", host=f"Host: {host}")
        with http1.connect(server.port, source=VISITOR) as plain:
            return _over_tls(context, plain, head + body)

    return ask_server


def _over_tls(context: ssl.SSLContext, plain: socket.socket, request: bytes) -> Response:
    with context.wrap_socket(plain, server_hostname=proxy.DOMAIN) as client:
        client.sendall(request)
        (response,) = http1.parse(http1.read_all(client))
        return response


@protected_by(
    "the scheme is the one that the proxy names",
    Cut(PRODUCTION, 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")\n', ""),
)
@protected_by(
    "HSTS preload only when it is asked for",
    Cut(PRODUCTION, 'env.flag("SECURE_HSTS_PRELOAD", False)', "True"),
)
def test_https_through_the_proxy_is_served_without_a_redirect(ask: Ask) -> None:
    response = ask("GET", "/api/v1/products?limit=1")
    assert response.status == 200, response
    assert response.headers["strict-transport-security"].startswith("max-age=31536000")
    assert "preload" not in response.headers["strict-transport-security"]


def test_a_customer_can_register_and_is_known(ask: Ask) -> None:
    account = {
        "email": f"{secrets.token_hex(8)}@example.com",
        "password": "correct horse battery",
        "name": "A",
    }
    registered = ask("POST", "/api/v1/accounts/register", JSON, body=json.dumps(account).encode())
    assert registered.status == 202, registered.body
    del account["name"]
    token = ask("POST", "/api/v1/accounts/login", JSON, body=json.dumps(account).encode()).json()["token"]
    assert ask("GET", "/api/v1/accounts/me", f"Authorization: Bearer {token}").status == 200


def test_no_internal_address_is_in_a_location(ask: Ask, backend: Process, gateway: Process) -> None:
    paths = ("/api/v1/products/", "/api/v1", "/health/", "/docs/", "//api/v1/x", "/api/v1/docs/")
    for location in (ask("GET", path).headers.get("location", "") for path in paths):
        for service in (backend, gateway):
            assert f":{service.port}" not in location
        assert services.HOST not in location
        assert not location.startswith("http:")


@protected_by(
    "the host is the one that the proxy names",
    Cut(PRODUCTION, "USE_X_FORWARDED_HOST = True", "USE_X_FORWARDED_HOST = False"),
)
def test_plain_http_is_redirected_to_the_public_address(gateway: Process) -> None:
    fields = (f"X-Forwarded-Host: {proxy.DOMAIN}", "X-Forwarded-Proto: http")
    response = http1.ask(gateway.port, "GET", "/api/v1/products?limit=1", *fields, source=proxy.SOURCE)
    assert response.status == 301
    assert response.headers["location"] == f"https://{proxy.DOMAIN}/api/v1/products?limit=1"


@protected_by(
    "X-Forwarded-* of who is no trusted proxy is dropped",
    Cut("backend/config/trusted_proxies.py", 'request.META.pop(f"HTTP_X_FORWARDED_{name}", None)'),
)
def test_a_client_cannot_claim_https_past_the_proxy(gateway: Process, backend: Process) -> None:
    """Loopback, but not the address of a trusted proxy."""
    fields = (f"X-Forwarded-Host: {proxy.DOMAIN}", "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.9")
    for service in (gateway, backend):
        response = http1.ask(
            service.port,
            "GET",
            "/api/v1/products?limit=1",
            *fields,
            source="127.0.0.9",
            host="Host: 127.0.0.1",
        )
        assert (response.status, response.headers.get("location", "")[:17]) == (301, "https://127.0.0.1")


@protected_by(
    "the gateway tells the backend who the client is",
    Cut(
        "ai-services/api_gateway/gateway/proxy/headers.py",
        '        (b"x-forwarded-for", client.encode("latin-1")),\n',
        "",
    ),
)
def test_both_services_log_the_client_that_nginx_saw(ask: Ask, gateway: Process, backend: Process) -> None:
    identity = f"abuse-{secrets.token_hex(8)}"
    ask("GET", "/api/v1/categories", f"X-Request-ID: {identity}", "X-Forwarded-For: 203.0.113.9")
    for service in (gateway, backend):
        assert f'"remote": "{VISITOR}"' in service.line_of(identity)


def test_a_host_that_is_not_ours_is_refused(ask: Ask) -> None:
    response = ask("GET", "/api/v1/products?limit=1", host="evil.example")
    assert (response.status, response.is_problem()) == (400, True)


@protected_by(
    "cookies are secure",
    Cut(PRODUCTION, "CSRF_COOKIE_SECURE = True", "CSRF_COOKIE_SECURE = False"),
)
def test_cookies_are_secure(backend: Process) -> None:
    fields = (f"X-Forwarded-Host: {proxy.DOMAIN}", "X-Forwarded-Proto: https")
    response = http1.ask(backend.port, "GET", "/admin/login/", *fields, source=GATEWAY_SOURCE)
    assert response.status == 200
    assert "; Secure" in response.headers["set-cookie"]


def test_the_gateway_is_ready(gateway: Process) -> None:
    response = http1.ask(gateway.port, "GET", "/health/ready")
    assert (response.status, response.json()["status"]) == (200, "ready")
