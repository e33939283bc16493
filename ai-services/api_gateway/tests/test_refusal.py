"""Responses to what never became a request."""

from __future__ import annotations

import json

import pytest

from gateway.connections.refusal import DETAILS, HEAD_BYTES, refusal, refusal_problem, refusal_status


@pytest.mark.parametrize(
    ("size", "has_request_line", "in_body", "status"),
    [
        (HEAD_BYTES, True, False, 400),
        (HEAD_BYTES + 1, True, False, 431),
        (HEAD_BYTES + 1, False, False, 414),
        (HEAD_BYTES + 1, True, True, 400),
        (HEAD_BYTES, False, True, 400),
    ],
)
def test_why_a_parser_gave_up(size: int, has_request_line: bool, in_body: bool, status: int) -> None:
    assert refusal_status(size, has_request_line=has_request_line, in_body=in_body) == status


@pytest.mark.parametrize("status", list(DETAILS))
def test_a_refusal_is_a_whole_response(status: int) -> None:
    head, _, body = refusal(status).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    document = json.loads(body)
    assert lines[0].startswith(f"HTTP/1.1 {status} ")
    assert (fields["content-length"], fields["connection"]) == (str(len(body)), "close")
    assert fields["cache-control"] == "no-store"
    assert fields["date"].endswith(" GMT")
    assert document["request_id"] == fields["x-request-id"] != "-"
    assert (document["status"], document["type"]) == (status, f"urn:shop:problem:{DETAILS[status][0]}")
    assert refusal_problem(status).detail == document["detail"]


def test_a_refusal_tells_the_limits() -> None:
    assert "longer than 64 KiB" in DETAILS[414][1]
    assert "larger than 64 KiB or has over 100 fields" in DETAILS[431][1]
