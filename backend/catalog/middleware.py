"""A kept product is answered before its address is resolved: most of what a shop is asked for is this."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from catalog.cache import product_kept

PRODUCTS = "/api/v1/products/"


class KeptProductMiddleware:
    """Answers from Redis; what is not kept there goes on to its view, which keeps it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET" and request.path_info.startswith(PRODUCTS):
            body = product_kept(request.path_info.removeprefix(PRODUCTS))
            if body is not None:
                return product_response(body)
        return self.get_response(request)


def product_response(body: bytes) -> HttpResponse:
    """Answers the one response that a product has, kept or made."""
    return HttpResponse(body, content_type="application/json; charset=utf-8")
