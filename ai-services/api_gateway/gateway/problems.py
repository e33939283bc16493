"""Errors as ``application/problem+json`` (RFC 9457), of the same shape as the backend's."""

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
    """An answer other than what was asked for. ``kind`` names it to programs, ``detail`` to people."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.headers = status, kind, detail, headers


def response(problem: Problem, path: str) -> Response:
    """Answer the response that tells ``problem`` to whoever asked for ``path``."""
    body: dict[str, Any] = {
        "type": f"urn:shop:problem:{problem.kind}" if problem.kind else "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
        "request_id": request_id.get(),
    }
    return Response(json.dumps(body), problem.status, dict(problem.headers or {}), CONTENT_TYPE)


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer a problem that was raised on the way."""
    assert isinstance(error, Problem)
    return response(error, request.url.path)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: an unknown address, a method that is not served there."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    details = {
        404: f"There is nothing at {path}.",
        405: f"{request.method} is not served at {path}.",
    }
    detail = details.get(error.status_code, str(error.detail))
    kind = KINDS.get(error.status_code, "")
    return response(Problem(error.status_code, kind, detail, error.headers), path)
