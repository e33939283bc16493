"""The JSON that the page asks for, and sentences about what went wrong."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse


class Answer(JSONResponse):
    """JSON in ASCII: what a service wrote may have halves of characters, which UTF-8 has not."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Problem(Answer):
    """A sentence about what went wrong, as a problem document (RFC 9457)."""

    media_type = "application/problem+json"

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__({"title": sentence, "status": status}, status)
