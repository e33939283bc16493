"""The stack under test as the tests see it: two services, and the stores behind them."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import requests

TIMEOUT_S, AGAIN_S, MANY = 15.0, 2.0, 3
"""How long a question may take, and one to the same part of a service that did not answer in time before, or
to any part where MANY did not."""

DEFAULTS = {"BACKEND_URL": "http://localhost:8000", "GATEWAY_URL": "http://localhost:9000"}
EXCEPTION = re.compile(r"^(?=\w*[a-z])[\w.]+: .*", re.MULTILINE)
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
STORES = ("DATABASE_URL", "REDIS_URL")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request of a test and its answer, for the report of a failure. ``status`` is 0 without an answer."""

    request: str
    status: int
    body: str
    request_id: str

    def sentence(self) -> str:
        """Return the answer in one line: a problem document's title and detail (RFC 9457), else its text."""
        try:
            document = json.loads(self.body)
            text = f"{document['title']}: {document['detail']}"
        except (ValueError, LookupError, TypeError):
            text = " ".join(self.body.split())
        return f"HTTP {self.status} {text}".rstrip()


exchanges: deque[Exchange] = deque(maxlen=200)
"""The last exchanges of the running test."""


timeouts: list[str] = []
"""The requests that were not answered in time."""

_too_slow: set[str] = set()
"""The parts of services, as ``http://host/api/v1/orders``, that once did not answer in time."""


@dataclass(frozen=True, kw_only=True)
class Unrecorded:
    """An exchange of which the services record no spans; times are nanoseconds since the epoch."""

    exchange: Exchange
    began_ns: int
    ended_ns: int


@dataclass(kw_only=True)
class Trace:
    """The trace of the running test, which its requests carry (https://www.w3.org/TR/trace-context/).

    The test is its root span, ``span_id``; what the services do for it are spans below. Exchanges that they
    are told not to record are ``unrecorded``. While it is ``quiet`` they record nothing.
    """

    trace_id: str = ""
    span_id: str = ""
    quiet: bool = False
    unrecorded: list[Unrecorded] = field(default_factory=list)

    def begin(self) -> None:
        """Begin a new trace."""
        self.trace_id, self.span_id = secrets.token_hex(16), secrets.token_hex(8)
        self.quiet, self.unrecorded = False, []

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Let the services record nothing of the block: it asks the same once more, or tidies up."""
        before, self.quiet = self.quiet, True
        try:
            yield
        finally:
            self.quiet = before

    def headers(self, *, recorded: bool) -> dict[str, str]:
        """Return the header that names the trace, with its flag `sampled`; none outside a test."""
        flags = "01" if recorded and not self.quiet else "00"
        return {"traceparent": f"00-{self.trace_id}-{self.span_id}-{flags}"} if self.trace_id else {}


trace = Trace()


def address(name: str) -> str:
    """Return where a service is, without a slash at the end."""
    return (os.environ.get(name) or DEFAULTS[name]).rstrip("/")


def stores() -> dict[str, str]:
    """Return the addresses of the stores that the environment names."""
    return {name: os.environ[name] for name in STORES if os.environ.get(name)}


class NoAnswerError(Exception):
    """A service did not answer a request."""


def _reason(error: requests.RequestException) -> str:
    """Return the innermost cause, without the objects' addresses that libraries print."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return f"{type(cause).__name__}: {getattr(cause, 'strerror', None) or cause}"


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service, asked over one kept connection; every question has a deadline.

    ``recorded`` says whether the services are to record spans of the requests.
    """

    url: str
    recorded: bool = True
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __enter__(self) -> Self:
        self.session.trust_env = False  # a proxy of the machine is not on the way to the stack
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()

    def ask(self, method: str, path: str, **request: Any) -> requests.Response:
        """Return the response, redirects not followed.

        Raises:
            NoAnswerError: the service did not answer.
        """
        options = {"timeout": TIMEOUT_S, "allow_redirects": False, **request}
        options["headers"] = {**trace.headers(recorded=self.recorded), **(request.get("headers") or {})}
        part = "/".join((self.url + path).partition("?")[0].split("/")[:6])
        if part in _too_slow or len(_too_slow) >= MANY:
            options["timeout"] = AGAIN_S
        began_ns = time.time_ns()
        try:
            response = self.session.request(method, self.url + path, **options)
        except requests.RequestException as error:
            if isinstance(error, requests.Timeout):
                _too_slow.add(part)
                timeouts.append(f"{method} {path}")
            reason = f"no answer, {_reason(error)}"
            self._note(Exchange(request=f"{method} {path}", status=0, body=reason, request_id=""), began_ns)
            raise NoAnswerError(f"{method} {self.url}{path}: {reason}") from None
        body = "" if options.get("stream") else _excerpt(response.text)
        identity = response.headers.get("X-Request-ID", "")
        exchange = Exchange(
            request=f"{method} {path}", status=response.status_code, body=body, request_id=identity
        )
        exchanges.append(exchange)
        self._note(exchange, began_ns)
        return response

    def _note(self, exchange: Exchange, began_ns: int) -> None:
        """Note an exchange of which nobody else has a span."""
        if trace.quiet or not self.recorded:
            trace.unrecorded.append(Unrecorded(exchange=exchange, began_ns=began_ns, ended_ns=time.time_ns()))

    def get(self, path: str, **request: Any) -> requests.Response:
        """Return the response to a GET."""
        return self.ask("GET", path, **request)


def documents(service: Service, path: str) -> Iterator[dict[str, Any]]:
    """Return the pages of a list one by one, as a client that follows `next`.

    Raises:
        AssertionError: a page points to one that was there before, so that the list has no end.
    """
    cursors = {""}
    cursor = ""
    while True:
        document: dict[str, Any] = service.get(path + (f"&cursor={cursor}" if cursor else "")).json()
        yield document
        if not (cursor := document["next"] or ""):
            return
        assert cursor not in cursors, f"{path} has no end: a page points to one that was there before"
        cursors.add(cursor)


def _excerpt(text: str) -> str:
    """Return the beginning of an answer; of Django's pages and tracebacks in DEBUG their exception."""
    exceptions = EXCEPTION.findall(text) if text.startswith("Traceback ") else TITLE.findall(text)
    return (exceptions or [text])[-1][:500]


def problem(response: requests.Response) -> dict[str, Any]:
    """Return the document of an error, having checked the shape that all errors share (RFC 9457)."""
    assert response.headers["Content-Type"].partition(";")[0] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == response.status_code
    assert document["request_id"] == response.headers["X-Request-ID"]
    assert document["title"] and document["detail"]
    assert document["type"] == "about:blank" or document["type"].startswith("urn:shop:problem:")
    assert document["instance"].startswith("/")
    return document
