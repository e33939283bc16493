"""Addresses and forms are UTF-8, whatever charset the Content-Type of a request names.

Django would decode them by that charset, the query of an address, too. Some names that Python knows are no
charsets: with `hex` no request can be made of what came, and the server's own page of an error would be sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
CHARSET = re.compile(r""";\s*charset\*?\s*=\s*("[^"]*"|[^;]*)""", re.IGNORECASE)


class WithoutCharset:
    """An application that is not told of a charset."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Return the application's response."""
        environ["CONTENT_TYPE"] = CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
        return self.application(environ, start_response)
