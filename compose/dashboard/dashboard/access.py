"""Who may ask: the holder of the token, from a page of this machine.

The token comes once in the address (``/?token=...``) and stays in a cookie that other sites' pages cannot
send (``SameSite=Strict``). A foreign ``Host`` is refused, so that no other name can be made to point here
(DNS rebinding); there are no CORS headers, so that no other origin can read an answer.
"""

from __future__ import annotations

import hmac
import html
import re

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.answers import Problem

COOKIE = "dashboard_token"
OPEN_PATHS = frozenset({"/health", "/metrics", "/v1/traces"})
"""What services ask without a token: the health check, Prometheus' numbers, and where spans are sent."""
HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\]|dashboard)(:[0-9]+)?", re.ASCII)
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
FIELDS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Stack dashboard</title><p>{}</p></html>
"""


class Access:
    """Lets requests through to ``app`` that may ask, and answers the others with one sentence."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in FIELDS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        answer = self._refusal(request) or self._welcome(request) or self._app
        await answer(scope, receive, send_with_fields)

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if not HOST.fullmatch(host):
            return _sentence(
                request, 421, f"This page is not served as {host!r}: open it as http://127.0.0.1."
            )
        if request.url.path in OPEN_PATHS:
            return None
        given = request.query_params.get("token") or request.cookies.get(_cookie_of(request)) or ""
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return _sentence(
                request, 403, "The token is missing or wrong: `inv dashboard` prints the address with it."
            )
        return None

    def _welcome(self, request: Request) -> Response | None:
        """Return the redirect that takes the token out of the address, where it is there."""
        if "token" not in request.query_params or request.url.path != "/":
            return None
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(_cookie_of(request), self._token, httponly=True, samesite="strict")
        return response


def _cookie_of(request: Request) -> str:
    """Return the cookie's name, by the port: browsers send all to every port, and each stack has its page."""
    return f"{COOKIE}_{request.url.port or 80}"


def _sentence(request: Request, status: int, text: str) -> Response:
    """Return a sentence: as a page for a person, else as a problem document."""
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(PAGE.format(html.escape(text)), status)
    return Problem(status, text)
