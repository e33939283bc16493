"""Who may call an endpoint, and whether its responses may be cached: the one table.

The OpenAPI document takes its security from here, the middleware its `Cache-Control` (RFC 9111) and `Vary`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

PREFIX = "/api/v1"
PUBLIC = "public, no-cache"  # may be stored, and is validated by its ETag before every use
PERSONAL = "no-store"
CREDENTIALS = ("Authorization", "X-Cart-Token")


class Caller(Enum):
    """Who may call an endpoint."""

    ANYBODY = "anybody"
    CUSTOMER = "a customer, by a bearer token"
    BUYER = "a customer, or the holder of a cart's token; anybody else has no cart and no orders"
    NEW_BUYER = "a buyer, or a visitor whom this request makes one"
    GUEST = "a visitor who logs in; an anonymous cart is merged into theirs"
    PROVIDER = "a payment provider, by its signature"


SECURITY: dict[Caller, list[dict[str, list[str]]]] = {
    Caller.ANYBODY: [],
    Caller.CUSTOMER: [{"Bearer": []}],
    Caller.BUYER: [{"Bearer": []}, {"CartToken": []}, {}],
    Caller.NEW_BUYER: [{"Bearer": []}, {"CartToken": []}, {}],
    Caller.GUEST: [{"CartToken": []}, {}],
    Caller.PROVIDER: [],
}
"""What the OpenAPI document says of each: alternatives, an empty one for no credentials."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One row of the table."""

    caller: Caller
    cache: str = PERSONAL


POLICIES: dict[tuple[str, str], Policy] = {
    ("GET", "/products"): Policy(caller=Caller.ANYBODY, cache=PUBLIC),
    ("GET", "/products/{slug}"): Policy(caller=Caller.ANYBODY, cache=PUBLIC),
    ("GET", "/facets"): Policy(caller=Caller.ANYBODY, cache=PUBLIC),
    ("GET", "/categories"): Policy(caller=Caller.ANYBODY, cache=PUBLIC),
    ("POST", "/accounts/register"): Policy(caller=Caller.ANYBODY),
    ("POST", "/accounts/login"): Policy(caller=Caller.GUEST),
    ("POST", "/accounts/logout"): Policy(caller=Caller.CUSTOMER),
    ("POST", "/accounts/password"): Policy(caller=Caller.CUSTOMER),
    ("GET", "/accounts/me"): Policy(caller=Caller.CUSTOMER),
    ("GET", "/cart"): Policy(caller=Caller.BUYER),
    ("POST", "/cart/lines"): Policy(caller=Caller.NEW_BUYER),
    ("PUT", "/cart/lines/{sku}"): Policy(caller=Caller.BUYER),
    ("DELETE", "/cart/lines/{sku}"): Policy(caller=Caller.BUYER),
    ("POST", "/checkout"): Policy(caller=Caller.BUYER),
    ("GET", "/orders"): Policy(caller=Caller.BUYER),
    ("GET", "/orders/{number}"): Policy(caller=Caller.BUYER),
    ("POST", "/orders/{number}/cancel"): Policy(caller=Caller.BUYER),
    ("POST", "/orders/{number}/refund"): Policy(caller=Caller.BUYER),
    ("POST", "/orders/{number}/payments"): Policy(caller=Caller.BUYER),
    ("POST", "/payments/webhooks/sandbox"): Policy(caller=Caller.PROVIDER),
}
SECURITY_SCHEMES = {
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The token of a login."},
    "CartToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Cart-Token",
        "description": "The token of an anonymous cart, and of the orders made with it.",
    },
}
_public = re.compile(
    "|".join(
        re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(PREFIX + path))
        for (_, path), policy in POLICIES.items()
        if policy.cache == PUBLIC
    )
)


class CachePolicyMiddleware:
    """Let caches store the catalogue alone, and say which headers a personal response depends on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path_info.startswith(f"{PREFIX}/"):
            return response
        is_read = request.method in ("GET", "HEAD") and response.status_code == 200
        if is_read and _public.fullmatch(request.path_info):
            response["Cache-Control"] = PUBLIC
        else:
            response["Cache-Control"] = PERSONAL
            patch_vary_headers(response, CREDENTIALS)
        return response
