"""The page and its files, from memory: they are few and small, and the first picture waits for them."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard import parts

FOLDER = Path(__file__).with_name("static")
NEWEST = "{{ newest }}"
"""Where the page has the newest run, so that it draws it without asking for it first."""


def routes() -> Sequence[BaseRoute]:
    """Return the routes of the page and of each of its files."""
    index = FOLDER / "index.html"
    files = sorted(file for file in FOLDER.iterdir() if file != index)
    return [_page(index.read_text(encoding="utf-8")), *map(_file, files)]


def _page(index: str) -> Route:
    def show(request: Request) -> Response:
        newest = json.dumps(parts.of(request).newest()).replace("<", "\\u003c")  # it ends no element
        return HTMLResponse(index.replace(NEWEST, newest))

    return Route("/", show)


def _file(path: Path) -> Route:
    content = path.read_bytes()
    kind, _ = mimetypes.guess_type(path.name)

    async def serve(_: Request) -> Response:
        return Response(content, media_type=kind)

    return Route(f"/{path.name}", serve)
