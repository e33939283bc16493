"""Gunicorn's logger: the access log as fields of a JSON line, with the id of the request."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

from config.logs import request_id
from config.tracing import TRACE_ID

SCRAPE = "shop.scrape"
"""In the environ of a request for the metrics: one that is answered every few seconds has no line."""


def note_begin(req: Any) -> None:
    """Note when a request began, for its line of the access log."""
    req.began_s = time.monotonic()


class AccessLogger(Logger):
    """Log requests as fields; the path is logged without its query, which may hold secrets."""

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write one line for a response, none for metrics that were given.

        `request_time` is Gunicorn's difference of two times of day, which is wrong where the clock was set
        in between; what was noted by `note_begin` is not. An invalid request has nothing noted.
        """
        began_s = getattr(req, "began_s", None)
        seconds = request_time.total_seconds() if began_s is None else time.monotonic() - began_s
        status = str(resp.status).split(None, 1)[0]
        if environ.get(SCRAPE) and status == "200":
            return
        method, path = environ.get("REQUEST_METHOD", "-"), environ.get("PATH_INFO", "-")
        fields = {
            "method": method,
            "path": path,
            "status": int(status),
            "bytes": getattr(resp, "sent", None),
            "duration_ms": round(seconds * 1000, 2),
            "remote": environ.get("REMOTE_ADDR", "-"),
        }
        if trace_id := environ.get(TRACE_ID):
            fields["trace_id"] = trace_id
        identities = (value for name, value in resp.headers if name.lower() == "x-request-id")
        identity = next(identities, None) or request_id.get()
        extra = {"fields": fields, "request_id": identity}
        self.access_log.info("%s %s %s", method, path, status, extra=extra)
