"""Header fields that a client forges are not believed, and do not falsify the logs."""

from __future__ import annotations

import secrets

import pytest

from abuse import http1, services
from abuse.conftest import Shop, Start
from unprotected.protection import Cut, protected_by

GUNICORN = "backend/gunicorn.conf.py"
PATH_FROM_HEADER = (
    Cut(GUNICORN, 'forwarded_allow_ips = ""', 'forwarded_allow_ips = "*"'),
    Cut(GUNICORN, 'forwarder_headers = ""', 'forwarder_headers = "SCRIPT_NAME,PATH_INFO"'),
)


@protected_by("Gunicorn takes no path from a header", *PATH_FROM_HEADER, any_case=True)
@pytest.mark.parametrize("through", ["gateway", "backend"])
@pytest.mark.parametrize("field", ["SCRIPT_NAME: /api/v1/x", "Script_Name: /api/v1/x"])
def test_a_path_is_not_taken_from_a_header(shop: Shop, through: str, field: str) -> None:
    port = getattr(shop, through).port
    for path in ("/api/v1/x/admin/login/", "/api/v1/x/admin/"):
        assert http1.ask(port, "GET", path, field).status == 404


@protected_by("Gunicorn takes no path from a header", *PATH_FROM_HEADER, any_case=True)
@pytest.mark.parametrize("through", ["gateway", "backend"])
def test_a_script_name_that_does_not_match_is_no_server_error(shop: Shop, through: str) -> None:
    port = getattr(shop, through).port
    assert http1.ask(port, "GET", "/api/v1/categories", "SCRIPT_NAME: /zzz").status == 200


@protected_by(
    "Gunicorn's own variables are not read",
    Cut(GUNICORN, 'forwarded_allow_ips = ""\n', ""),
    Cut(GUNICORN, 'forwarder_headers = ""\n', ""),
)
def test_variables_that_only_gunicorn_knows_trust_nobody(start: Start) -> None:
    backend = start(services.backend, FORWARDED_ALLOW_IPS="*")
    assert http1.ask(backend.port, "GET", "/api/v1/x/admin/login/", "SCRIPT_NAME: /api/v1/x").status == 404
    assert http1.ask(backend.port, "GET", "/api/v1/categories", "SCRIPT_NAME: /zzz").status == 200


@protected_by(
    "X-Forwarded-For is believed from trusted proxies only",
    Cut(
        "backend/config/trusted_proxies.py",
        "peer is not None and self._is_trusted(peer):",
        "peer is not None:",
    ),
)
def test_the_backend_believes_x_forwarded_only_from_trusted_proxies(start: Start) -> None:
    backend = start(services.backend, TRUSTED_PROXIES="127.0.0.7")
    fields = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    for source, client in (("127.0.0.7", "203.0.113.9"), ("127.0.0.8", "127.0.0.8")):
        identity = f"abuse-{secrets.token_hex(8)}"
        http1.ask(
            backend.port, "GET", "/api/v1/categories", f"X-Request-ID: {identity}", *fields, source=source
        )
        assert f'"remote": "{client}"' in backend.line_of(identity)


@protected_by(
    "no proxy is trusted by default",
    Cut(
        "ai-services/api_gateway/gateway/forwarded.py",
        "if address is None or not _is_trusted(address, trusted):",
        "if address is None:",
    ),
)
def test_the_gateway_trusts_no_x_forwarded_header_by_default(shop: Shop) -> None:
    identity = f"abuse-{secrets.token_hex(8)}"
    fields = (f"X-Request-ID: {identity}", "X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9")
    http1.ask(shop.gateway.port, "GET", "/api/v1/categories", *fields)
    assert f'"remote": "{http1.CLIENT}"' in shop.gateway.line_of(identity)


@protected_by(
    "a query in the text of a line is masked",
    Cut("backend/config/logs.py", 'QUERIES.sub(r"\\1***", SECRETS.sub', "(SECRETS.sub"),
    Cut("backend/config/access.py", 'environ.get("PATH_INFO", "-")', 'environ.get("RAW_URI", "-")'),
    any_case=True,
)
@protected_by(
    "control characters are escaped in a line for people",
    Cut(
        "backend/config/logs.py",
        "head + escape(redact(record.getMessage()))",
        "head + redact(record.getMessage())",
    ),
    cases=["text"],
)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_url_cannot_forge_a_log_line_and_its_query_is_not_logged(start: Start, log_format: str) -> None:
    backend = start(services.backend, LOG_FORMAT=log_format)
    gateway = start(services.gateway, backend, LOG_FORMAT=log_format)
    for port in (backend.port, gateway.port):
        for escape in ("%0a", "%0d%0a", "%1b[31m", "%c2%9b31m", "%e2%80%a8"):
            http1.ask(port, "GET", f"/api/v1/products/x{escape}forged?token=canary")
        http1.ask(port, "GET", "/api/v1/products?cursor=canary&unknown=canary")
        http1.exchange(port, b"GET /api/v1/x?token=canary HTTP/9.9\r\nHost: h\r\n\r\n")
        http1.exchange(port, b"GET /api/v1/x?token=canary HTTP/1.1\r\nBad Name: canary\r\n\r\n")
    for service in (backend, gateway):
        service.stop()
        forged = [line for line in service.text().splitlines() if "forged" in line]
        assert len(forged) >= 5
        assert all("GET /api/v1/products/x" in line and line.isprintable() for line in forged)
        assert "canary" not in service.text()


@protected_by(
    "the shop is told of no charset",
    Cut("backend/config/wsgi.py", "    application = WithoutCharset(application)\n", ""),
)
def test_a_charset_that_is_none_is_no_server_error(shop: Shop) -> None:
    field = "Content-Type: application/json; charset=hex"
    assert http1.ask(shop.gateway.port, "GET", "/api/v1/products?limit=1", field).status == 200
    assert http1.ask(shop.gateway.port, "POST", "/api/v1/accounts/login", field, body=b"{}").status == 422
