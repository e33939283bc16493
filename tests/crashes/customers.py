"""Customers; each request has a connection of its own, so that a lost one is noticed and not repeated."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crashes.inside.points import Fault

GOOD, LATE, SILENT = "4242424242424242", "4000000000000259", "4000000000000119"
ANSWERED_WITHIN_S = 120.0
DECIDED_WITHIN_S = 120.0
BUSY_S = 0.02


class NoResponse(Exception):
    """A request was sent, and no answer came."""


def key() -> str:
    """Return an idempotency key that was never used."""
    return f"key-{secrets.token_hex(8)}"


@dataclass(frozen=True, kw_only=True)
class Response:
    """The shop's response."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Response:
    """Send one request; return the response. Raises: NoResponse where none came."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERED_WITHIN_S)
    try:
        link.request(method, path, body, {**headers, "Connection": "close"})
        response = link.getresponse()
        return Response(status=response.status, body=response.read())
    except (OSError, http.client.HTTPException) as error:
        raise NoResponse(f"{method} {path}: {type(error).__name__}: {error}") from error
    finally:
        link.close()


@dataclass(kw_only=True)
class Customer:
    """A customer with a cart; a ``fault`` is injected into the worker that handles the request."""

    port: int
    token: str = field(default="")

    def send(
        self, method: str, path: str, body: Any = None, *, key: str = "", fault: Fault | None = None
    ) -> Response:
        """Send one request to the API; return the response. Raises: NoResponse."""
        headers = {"Content-Type": "application/json"}
        named = {"X-Cart-Token": self.token, "Idempotency-Key": key, "X-Crash": str(fault) if fault else ""}
        headers |= {name: value for name, value in named.items() if value}
        content = None if body is None else json.dumps(body).encode()
        return ask(self.port, method, f"/api/v1{path}", content, headers)

    def put(self, sku: str, quantity: int = 1) -> None:
        """Add to the cart; remember its token."""
        answer = self.send("POST", "/cart/lines", {"sku": sku, "quantity": quantity})
        assert answer.status == 201, answer.body
        self.token = answer.json["token"] or self.token

    def check_out(self, key: str, fault: Fault | None = None) -> Response:
        """Check out the cart."""
        return self.send("POST", "/checkout", {"email": "a@example.com"}, key=key, fault=fault)

    def pay(self, number: str, key: str, card: str = GOOD, fault: Fault | None = None) -> Response:
        """Pay an order."""
        return self.send("POST", f"/orders/{number}/payments", {"card": card}, key=key, fault=fault)

    def end(self, number: str, verb: str, fault: Fault | None = None) -> Response:
        """Cancel or refund an order."""
        return self.send("POST", f"/orders/{number}/{verb}", fault=fault)

    def orders(self) -> list[dict[str, Any]]:
        """Return the customer's orders."""
        items: list[dict[str, Any]] = send_until_answered(lambda: self.send("GET", "/orders?limit=100")).json[
            "items"
        ]
        return items

    def order(self, sku: str) -> str:
        """Place an order; return its number."""
        self.put(sku)
        token = key()
        answer = send_until_answered(lambda: self.check_out(token))
        assert answer.status == 201, answer.body
        return str(answer.json["number"])


def send_until_answered(send: Callable[[], Response]) -> Response:
    """Send a request, and send it again unchanged while it is lost or in flight; return the response."""
    deadline = time.monotonic() + DECIDED_WITHIN_S
    while True:
        try:
            answer = send()
        except NoResponse:
            assert time.monotonic() < deadline, f"lost again and again for {DECIDED_WITHIN_S:g} s"
        else:
            if answer.status != 409 or b"idempotency-in-flight" not in answer.body:
                return answer
            assert time.monotonic() < deadline, f"still in flight after {DECIDED_WITHIN_S:g} s"
        time.sleep(BUSY_S)
