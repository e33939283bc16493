"""What is left of a card once it was charged, and messages that nobody honest sends."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from abuse import http1
from abuse.conftest import Shop
from unprotected.protection import Cut, protected_by

JSON = "Content-Type: application/json"
CARD = "4242424242424242"
HASHES = ("md5", "sha1", "sha256", "sha512")
WEBHOOK = "/api/v1/payments/webhooks/sandbox"
WEBHOOK_SECRET = b"sandbox-webhook-secret"
"""That of the CI stack's settings."""
LOGIN, LINES = "/api/v1/accounts/login", "/api/v1/cart/lines"


def send(shop: Shop, path: str, content: object, *fields: str, expected: int = 201) -> Any:
    """Send JSON through the gateway and return the JSON of the response."""
    body = json.dumps(content, separators=(",", ":")).encode()
    response = http1.ask(shop.gateway.port, "POST", f"/api/v1{path}", JSON, *fields, body=body)
    assert response.status == expected, response.body
    return response.json()


def a_sku(shop: Shop) -> str:
    """Return a variant that is in stock."""
    page = http1.ask(shop.gateway.port, "GET", "/api/v1/products?in_stock=true&limit=1").json()
    slug = page["items"][0]["slug"]
    product = http1.ask(shop.gateway.port, "GET", f"/api/v1/products/{slug}").json()
    return str(next(variant["sku"] for variant in product["variants"] if variant["available"]))


@protected_by(
    "the fingerprint of a request is made under a key",
    Cut(
        "backend/core/idempotency.py",
        'salted_hmac("core.idempotency", request.body, algorithm="sha256").hexdigest()',
        "hashlib.sha256(request.body).hexdigest()",
    ),
)
def test_a_card_that_paid_is_nowhere_in_the_database_and_nowhere_in_the_logs(shop: Shop) -> None:
    cart = send(shop, "/cart/lines", {"sku": a_sku(shop), "quantity": 1})
    buyer, key = f"X-Cart-Token: {cart['token']}", f"Idempotency-Key: {uuid4()}"
    order = send(shop, "/checkout", {"email": "a@example.com"}, buyer, key)
    send(shop, f"/orders/{order['number']}/payments", {"card": CARD}, buyer, f"Idempotency-Key: {uuid4()}")
    forms = {CARD, json.dumps({"card": CARD}), json.dumps({"card": CARD}, separators=(",", ":"))}
    digests = {hashlib.new(name, form.encode()) for name in HASHES for form in forms}
    hidden = {CARD.encode(), *(digest.digest() for digest in digests)}
    hidden |= {digest.hexdigest().encode() for digest in digests}
    kept = database(shop) + (shop.backend.text() + shop.gateway.text()).encode()
    assert order["number"].encode() in kept
    assert not {secret for secret in hidden if secret in kept}


def database(shop: Shop) -> bytes:
    """Return the files of the backend's database, with what is written ahead."""
    path = Path(shop.backend.environment["DATABASE_URL"].removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


MESSAGE = {"id": "evt_1", "type": "payment.succeeded"}
DATA = {"reference": "r", "currency": "EUR", "amount": "1.00"}
NO_JSON = {"deep": b"[" * 5000, "no UTF-8": b"\xff\xfe{}", "null": b"null"}
SIGNED = {
    "a lone surrogate": json.dumps({**MESSAGE, "id": "\ud800", "data": DATA}).encode(),
    "a huge amount": json.dumps({**MESSAGE, "data": {**DATA, "amount": "1" + "0" * 40}}).encode(),
    "no amount": json.dumps({**MESSAGE, "data": {**DATA, "amount": "NaN"}}).encode(),
    **NO_JSON,
}
UNSIGNED = {
    **{f"{path} {name}": (path, body) for path in (LOGIN, LINES) for name, body in NO_JSON.items()},
    "a password with a lone surrogate": (LOGIN, b'{"email": "a@example.com", "password": "\\ud800"}'),
    "a variant with a lone surrogate": (LINES, b'{"sku": "\\ud800"}'),
    "a huge quantity": (LINES, b'{"sku": "A", "quantity": 1' + b"0" * 19 + b"}"),
    "an endless quantity": (LINES, b'{"sku": "A", "quantity": 1e999}'),
    "no quantity": (LINES, b'{"sku": "A", "quantity": NaN}'),
}


def signature(body: bytes) -> str:
    """Return the header field of a webhook that the provider itself sends."""
    now = int(time.time())
    digest = hmac.new(WEBHOOK_SECRET, f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return f"X-Sandbox-Signature: t={now},v1={digest}"


@protected_by(
    "a signed body may still be anything",
    Cut(
        "backend/payments/sandbox.py",
        "except (ValueError, KeyError, TypeError, RecursionError) as error:",
        "except ZeroDivisionError as error:",
    ),
)
@protected_by(
    "a lone surrogate is no text",
    Cut("backend/payments/sandbox.py", '"".join(texts).encode()  # a'),
    cases=["a lone surrogate"],
)
@pytest.mark.parametrize("body", SIGNED.values(), ids=SIGNED)
def test_a_webhook_that_nobody_honest_sends_is_refused(shop: Shop, body: bytes) -> None:
    response = http1.ask(shop.gateway.port, "POST", WEBHOOK, JSON, signature(body), body=body)
    assert (response.status, response.json()["type"]) == (400, "urn:shop:problem:bad-webhook")


@protected_by(
    "what cannot be read is a problem document",
    Cut("backend/config/api.py", "@api.exception_handler(HttpError)\n", ""),
    cases=[name for name in UNSIGNED if name.startswith("/api/") and not name.endswith(" null")],
)
@protected_by(
    "what is not valid is a problem document",
    Cut("backend/config/api.py", "@api.exception_handler(ValidationError)\n", ""),
    cases=[name for name in UNSIGNED if not name.startswith("/api/") or name.endswith(" null")],
)
@pytest.mark.parametrize(("path", "body"), UNSIGNED.values(), ids=UNSIGNED)
def test_what_nobody_honest_sends_is_refused(shop: Shop, path: str, body: bytes) -> None:
    response = http1.ask(shop.gateway.port, "POST", path, JSON, body=body)
    assert (response.status // 100, response.is_problem()) == (4, True)
