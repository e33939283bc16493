"""Errors as `application/problem+json` (RFC 9457), of one shape everywhere.

`type`, `title`, `status`, `detail`, `instance` (the path) and `request_id`; validation adds `errors`, a list
of `{"location": [...], "message": ...}`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from config.logs import request_id

logger = logging.getLogger("shop.problems")

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """An error that a caller caused and can act on."""

    status: int = 400
    kind: str = "bad-request"
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class NotFound(Problem):
    """The resource does not exist, or not for this caller."""

    status, kind = 404, "not-found"


class Conflict(Problem):
    """The request is not possible in the present state."""

    status, kind = 409, "conflict"


class Unprocessable(Problem):
    """The request was understood, but its values are not acceptable."""

    status, kind = 422, "unprocessable"


class DatabaseBusy(Problem):
    """The database does not answer, or not in time."""

    status, kind = 503, "database-busy"
    headers = {"Retry-After": "1"}


class Unauthorized(Problem):
    """No credentials, or credentials that are no longer valid."""

    status, kind = 401, "unauthorized"
    headers = {"WWW-Authenticate": 'Bearer realm="shop"'}  # RFC 6750, 3


def problem_body(
    request: HttpRequest, status: int, detail: str, kind: str = "", extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the members of one problem document."""
    return {
        "type": f"urn:shop:problem:{kind}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": request_id.get(),
        **(extra or {}),
    }


def problem_response(
    request: HttpRequest, status: int, detail: str, kind: str = "", extra: Mapping[str, Any] | None = None
) -> HttpResponse:
    """Return the response that carries one problem document."""
    body = json.dumps(problem_body(request, status, detail, kind, extra), default=str)
    return HttpResponse(body, status=status, content_type=CONTENT_TYPE)


def response_to(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Return the response to a `Problem`, with its headers."""
    response = problem_response(request, problem.status, problem.detail, problem.kind, problem.extra)
    for name, value in problem.headers.items():
        response[name] = value
    return response


def database_busy(request: HttpRequest, error: Exception) -> HttpResponse:
    """Log that the database did not answer in time, and return the response that says so."""
    logger.warning("The database is busy: %s", error)
    return response_to(request, DatabaseBusy("The shop is busy at this moment: try again in a second."))


def validation_errors(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return pydantic's errors as location and message, without echoing the input back."""
    return [{"location": [str(part) for part in error["loc"]], "message": error["msg"]} for error in errors]
