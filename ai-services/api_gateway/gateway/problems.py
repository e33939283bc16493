"""Errors as ``application/problem+json`` (RFC 9457), in the same format as the backend's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.logs import request_id

CONTENT_TYPE = "application/problem+json"
KINDS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 500: "internal"}


class Problem(Exception):
    """An error response. ``kind`` identifies it to programs, ``detail`` explains it to people."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.headers = status, kind, detail, headers


def problem_body(problem: Problem, path: str) -> bytes:
    """Return ``problem`` as JSON, for a request for ``path``."""
    body: dict[str, Any] = {
        "type": f"urn:shop:problem:{problem.kind}" if problem.kind else "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path if path.startswith("/") else "/",
        "request_id": request_id.get(),
    }
    return json.dumps(body).encode("ascii")


def problem_response(problem: Problem, path: str) -> Response:
    """Return ``problem`` as the response to a request for ``path``; caches may not store it.

    Without a word on it they may: 404, 405 and 414 (RFC 9110, 15.1).
    """
    headers = {"Cache-Control": "no-store", **(problem.headers or {})}
    return Response(problem_body(problem, path), problem.status, headers, CONTENT_TYPE)


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """Return the response for an unknown path or a method that is not allowed."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    details = {
        404: f"No resource at {path}.",
        405: f"Method {request.method} is not allowed for {path}.",
    }
    detail = details.get(error.status_code, str(error.detail))
    kind = KINDS.get(error.status_code, "")
    return problem_response(Problem(error.status_code, kind, detail, error.headers), path)
