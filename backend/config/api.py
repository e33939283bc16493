"""The typed API: every app's router, one shape of error, docs from local files."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import Swagger

from accounts.api import router as accounts_router
from carts.api import router as carts_router
from catalog.api import router as catalog_router
from config.openapi import ShopAPI
from core.problems import Problem, problem_response, response_to, validation_errors
from core.unavailable import database_response
from orders.api import router as orders_router
from payments.api import router as payments_router


class LocalSwagger(Swagger):
    """Swagger UI from the static files of django-ninja: works without the internet."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Return the page."""
        settings = {**self.settings, "url": self.get_openapi_url(api, kwargs)}
        context = {"swagger_settings": json.dumps(settings), "api": api, "add_csrf": False}
        return render(request, self.template, context)


api = ShopAPI(
    title="Shop",
    version="1.0.0",
    description="Catalogue, carts, checkout, orders and payments of the shop.",
    urls_namespace="api",
    docs=LocalSwagger(),
    docs_url="/docs" if settings.API_DOCS else None,
    openapi_url="/openapi.json" if settings.API_DOCS else None,
)
for router in (catalog_router, accounts_router, carts_router, orders_router, payments_router):
    api.add_router("", router)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return response_to(request, error)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = {"errors": validation_errors(error.errors)}
    return problem_response(request, 422, "The request is not valid.", "validation", errors)


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem_response(request, error.status_code, str(error))


@api.exception_handler(SuspiciousOperation)
@api.exception_handler(UnreadablePostError)
def _unreadable(request: HttpRequest, error: Exception) -> HttpResponse:
    del error
    return problem_response(request, 400, "The request is malformed.", "bad-request")


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    del error
    return problem_response(request, 404, f"There is nothing at {request.path}.", "not-found")


@api.exception_handler(InterfaceError)
@api.exception_handler(OperationalError)
def _database_error(request: HttpRequest, error: Exception) -> HttpResponse:
    # With DEBUG django-ninja would make a 500 of it.
    response = database_response(request, error)
    if response is None:
        raise error
    return response
