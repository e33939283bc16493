"""``python -m gateway``: serve until the process is told to stop."""

from __future__ import annotations

import logging.config
import os
import sys

from gateway import logs
from gateway.settings import BadEnvironment, Settings, read_settings


def main() -> None:
    """Serve; exit with 2 if the environment is invalid."""
    try:
        settings = read_settings(os.environ)
    except BadEnvironment as error:
        print(f"api-gateway: {error}", file=sys.stderr)
        sys.exit(2)
    logging.config.dictConfig(logs.configuration(settings.log_format, settings.log_level))
    serve(settings)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests in progress get ``graceful_s`` seconds to finish."""
    import uvicorn

    from gateway.app import create_app

    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # the middleware adds it if the backend's response has none
        ws="none",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.graceful_s,
    )


if __name__ == "__main__":
    main()
