"""Responses in the place of Uvicorn's own pages: to what never became a request, and to what failed.

Invalid HTTP, heads that are too large or too slow; 500 where not even a problem could be written.
"""

from __future__ import annotations

import logging
from email.utils import formatdate
from http import HTTPStatus
from uuid import uuid4

from gateway import metrics
from gateway.logs import request_id
from gateway.problems import CONTENT_TYPE, Problem, problem_body

HEAD_BYTES = 64 * 1024
FIELDS = 100
DETAILS = {
    400: ("bad-request", "The request is not valid HTTP/1.1."),
    408: ("request-timeout", "The head of the request did not arrive in time."),
    414: ("uri-too-long", f"The request line is longer than {HEAD_BYTES // 1024} KiB."),
    431: (
        "headers-too-large",
        f"The head is larger than {HEAD_BYTES // 1024} KiB or has over {FIELDS} fields.",
    ),
    500: ("internal", "The gateway failed to handle this request; its log has the details."),
}

access = logging.getLogger("gateway.access")


def refusal_status(head_bytes: int, *, has_request_line: bool, in_body: bool) -> int:
    """Return why a parser gave up: 431 or 414 beyond the limit, otherwise 400."""
    if in_body or head_bytes <= HEAD_BYTES:
        return 400
    return 431 if has_request_line else 414


def refusal_problem(status: int) -> Problem:
    """Return the problem of a response that the gateway itself makes."""
    kind, detail = DETAILS[status]
    return Problem(status, kind, detail)


def refusal(status: int) -> bytes:
    """Return a whole HTTP response that ends the connection, and log it."""
    identity = uuid4().hex
    request_id.set(identity)
    problem = refusal_problem(status)
    metrics.PROBLEMS.labels(problem.kind).inc()
    body = problem_body(problem, "/")
    access.info("refused %d", status, extra={"fields": {"status": status, "bytes": len(body)}})
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"date: {formatdate(usegmt=True)}\r\n"
        f"content-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\n"
        f"cache-control: no-store\r\nx-request-id: {identity}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
