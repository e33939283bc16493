"""What happens around every request: its id, static files, and errors of one shape."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from config.logs import request_id
from config.tracing import TRACE_ID, current_trace_id, trace_id_of, traceparent
from core.problems import Problem, problem_response, response_to
from core.unavailable import database_response

if TYPE_CHECKING:
    from whitenoise.middleware import WhiteNoiseMiddleware

GetResponse = Callable[[HttpRequest], HttpResponse]
ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


class RequestIdMiddleware:
    """Keep the caller's X-Request-ID, or make one; put it on the response and on every log line."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        identity = given if ACCEPTABLE_ID.fullmatch(given) else uuid.uuid4().hex
        parent = request.META.get("HTTP_TRACEPARENT", "")
        traceparent.set(parent if trace_id_of(parent) else "")
        request.META[TRACE_ID] = current_trace_id()
        request_id.set(identity)  # left in place: Django and Gunicorn log after the last middleware returned
        response = self.get_response(request)
        response["X-Request-ID"] = identity
        return response


class StaticFilesMiddleware:
    """WhiteNoise, made at the first request for a static file: its scan costs more than a boot may."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(settings.STATIC_URL):
            return self.whitenoise(request)
        return self.get_response(request)

    @cached_property
    def whitenoise(self) -> WhiteNoiseMiddleware:
        from whitenoise.middleware import WhiteNoiseMiddleware

        return WhiteNoiseMiddleware(self.get_response)


class AdminOnlyMixin(MiddlewareMixin):
    """Run a middleware for the admin's pages alone: the API knows tokens, no cookies."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        try:
            return super().__call__(request)
        except (InterfaceError, OperationalError) as error:  # what a middleware asks itself, no view
            response = database_response(request, error)
            if response is None:
                raise
            return response


class AdminSessionMiddleware(AdminOnlyMixin, SessionMiddleware):
    """Sessions of staff."""


class AdminAuthenticationMiddleware(AdminOnlyMixin, AuthenticationMiddleware):
    """Staff, known by their session."""


class AdminMessageMiddleware(AdminOnlyMixin, MessageMiddleware):
    """Messages of an action, shown on the next page."""


class ProblemMiddleware:
    """Turn a `Problem` raised by any view into its response."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if settings.DEBUG and response.status_code == 404 and _is_debug_page(request, response):
            return problem_response(request, 404, f"There is nothing at {request.path}.", "not-found")
        return _method_not_allowed(request, response) if response.status_code == 405 else response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the response to an error that a client caused, None for our own errors."""
        if isinstance(exception, Problem):
            return response_to(request, exception)
        return database_response(request, exception)


class HeadMiddleware:
    """Respond to HEAD as to GET, without the body (RFC 9110, 9.3.2): django-ninja knows only GET."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "HEAD":
            return self.get_response(request)
        if request.path_info.startswith("/api/"):
            request.method = "GET"
        response = self.get_response(request)
        request.method = "HEAD"
        return _without_body(response)


def _without_body(response: HttpResponse) -> HttpResponse:
    """Empty the body; Content-Length stays that of GET. Gunicorn warns of a body where none belongs."""
    if response.streaming:
        response.streaming_content = ()
    else:
        response.content = b""
    return response


def _is_debug_page(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether it is Django's page for developers, and the caller no browser: errors have one shape."""
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return (
        is_html
        and "text/html" not in request.headers.get("Accept", "")
        and not request.path.startswith("/admin/")
    )


def _method_not_allowed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return a problem in the place of the bare 405 of Django and django-ninja; `Allow` has HEAD with GET."""
    problem = problem_response(request, 405, f"Method {request.method} is not allowed.")
    allowed = {word.strip() for word in response["Allow"].split(",")}
    problem["Allow"] = ", ".join(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))
    return problem
