"""How Uvicorn serves the application."""

from __future__ import annotations

import uvicorn

from gateway.app import create_app
from gateway.connections import GuardedProtocol
from gateway.connections.refusal import HEAD_BYTES
from gateway.settings import Settings

KEEP_ALIVE_S = 75


def server_config(settings: Settings) -> uvicorn.Config:
    """Return Uvicorn's configuration; none of it comes from variables that only Uvicorn knows."""
    return uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=GuardedProtocol,
        h11_max_incomplete_event_size=HEAD_BYTES,
        ws="none",
        workers=1,  # None would be WEB_CONCURRENCY
        proxy_headers=False,  # TRUSTED_PROXIES decides, for all three headers
        forwarded_allow_ips=[],
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # the middleware adds it if the backend's response has none
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.graceful_s,
    )
