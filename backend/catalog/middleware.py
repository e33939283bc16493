"""A cached product is returned before its address is resolved: products are what most requests are for."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from catalog.cache import get_product
from core import metrics

PRODUCTS = "/api/v1/products/"
ROUTE = "/api/v1/products/<slug>"


class CachedProductMiddleware:
    """Return a cached product from Redis; any other request goes on to its view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET" and request.path_info.startswith(PRODUCTS):
            body = get_product(request.path_info.removeprefix(PRODUCTS))
            if body is not None:
                metrics.route.set(ROUTE)
                return json_bytes_response(body)
        return self.get_response(request)


def json_bytes_response(body: bytes) -> HttpResponse:
    """Return a JSON response, the same whether its body was cached or read."""
    return HttpResponse(body, content_type="application/json; charset=utf-8")
