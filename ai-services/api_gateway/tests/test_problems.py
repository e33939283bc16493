"""Errors as problem documents."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.logs import request_id
from gateway.problems import Problem, handle_http_exception, problem_body, problem_response


def handled(status: int, detail: str | None = None) -> dict[str, object]:
    scope = {
        "type": "http",
        "method": "PUT",
        "path": "/x",
        "headers": [],
        "query_string": b"",
        "server": None,
    }
    error = HTTPException(status, detail, headers={"Allow": "GET"})
    response = asyncio.run(handle_http_exception(Request(scope), error))
    assert (response.status_code, response.media_type) == (status, "application/problem+json")
    assert response.headers["Allow"] == "GET"
    document: dict[str, object] = json.loads(bytes(response.body))
    return document


@pytest.mark.parametrize(
    ("status", "kind", "title", "detail"),
    [
        (400, "urn:shop:problem:bad-request", "Bad Request", "so"),
        (404, "urn:shop:problem:not-found", "Not Found", "No resource at /x."),
        (
            405,
            "urn:shop:problem:method-not-allowed",
            "Method Not Allowed",
            "Method PUT is not allowed for /x.",
        ),
        (500, "urn:shop:problem:internal", "Internal Server Error", "so"),
        (418, "about:blank", "I'm a Teapot", "so"),
    ],
)
def test_an_error_of_the_framework_is_a_problem(status: int, kind: str, title: str, detail: str) -> None:
    assert handled(status, "so") == {
        "type": kind,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "/x",
        "request_id": request_id.get(),
    }


def test_what_is_no_path_is_not_told_back() -> None:
    document = json.loads(problem_body(Problem(400, "bad-request", "x"), "http://evil/"))
    assert document["instance"] == "/"


def test_a_problem_brings_its_headers() -> None:
    response = problem_response(Problem(503, "overloaded", "x", {"Retry-After": "1"}), "/x")
    assert response.headers["Retry-After"] == "1"
    assert "Retry-After" not in problem_response(Problem(503, "overloaded", "x"), "/x").headers


def test_no_cache_stores_a_problem() -> None:
    assert problem_response(Problem(404, "not-found", "x"), "/x").headers["Cache-Control"] == "no-store"


def test_a_problem_says_what_it_is_also_where_nobody_answers_with_it() -> None:
    assert str(Problem(503, "overloaded", "too many")) == "too many"
