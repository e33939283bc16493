"""Requests that are too long, refused before any view sees them; and bodies that come in chunks.

Gunicorn's own limits are twice as high (gunicorn.conf.py): beyond them it answers with a page of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse

from core.problems import problem_response

MAXIMUM_URI_BYTES = 4096
MAXIMUM_FIELD_BYTES = 8190
DRAINED_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 64 * 1024


class RequestLimitsMiddleware:
    """Refuse what is too long: 414 an address, 431 a header field, 413 a body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if len(request.get_full_path()) > MAXIMUM_URI_BYTES:
            return problem_response(request, 414, f"The address is longer than {MAXIMUM_URI_BYTES} bytes.")
        if any(len(value) > MAXIMUM_FIELD_BYTES for value in request.headers.values()):
            detail = f"A header field is longer than {MAXIMUM_FIELD_BYTES} bytes."
            return problem_response(request, 431, detail)
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            return self._respond_to_chunked(request)
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            _drain(request)
            return too_large(request)
        return self.get_response(request)

    def _respond_to_chunked(self, request: HttpRequest) -> HttpResponse:
        # Django reads as far as Content-Length says; a chunked body has none until it was read (PEP 3333).
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        try:
            body = request.META["wsgi.input"].read(limit + 1)
        except Exception:  # what breaks off, or is no chunk, is reported by every server in its own way
            return problem_response(request, 400, "The request is malformed.", "bad-request")
        if len(body) > limit:
            return too_large(request)
        sized = {**request.META, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        return self.get_response(WSGIRequest(sized))


def too_large(request: HttpRequest) -> HttpResponse:
    """Return the refusal of a body that exceeds DATA_UPLOAD_MAX_MEMORY_SIZE."""
    return problem_response(request, 413, "The body is larger than this shop accepts.", "too-large")


def _drain(request: HttpRequest) -> None:
    # An unread body would end the connection, and with it the client's next request (RFC 9110, 15.5.14).
    left = DRAINED_BYTES
    while left > 0 and (piece := request.read(CHUNK_BYTES)):
        left -= len(piece)
