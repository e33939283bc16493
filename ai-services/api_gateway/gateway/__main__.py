"""``python -m gateway``: serve until the process is told to stop."""

from __future__ import annotations

import gc
import logging.config
import os
import resource
import sys
from contextlib import suppress

from gateway import logs, metrics, tracing
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
    """Serve until SIGTERM or SIGINT; requests in progress get ``graceful_s`` seconds to finish.

    The port of the metrics opens when all is imported, so that the gateway's own follows at once: who waits
    for a service that listens at another port only gives it up.
    """
    tracing.start()
    import uvicorn

    from gateway.server import server_config

    _raise_file_limit()
    server = uvicorn.Server(server_config(settings))
    _start_metrics(settings)
    gc.freeze()  # what was imported stays: a collection that looks at it all stops every request meanwhile
    with suppress(KeyboardInterrupt):  # Uvicorn raises it again after a graceful shutdown
        server.run()
    if not server.started:
        sys.exit(3)


def _start_metrics(settings: Settings) -> None:
    try:
        metrics.start(settings)
    except OSError as error:
        print(f"api-gateway: METRICS_ADDRESS cannot be used: {error}", file=sys.stderr)
        sys.exit(2)


def _raise_file_limit() -> None:
    """Allow as many open connections as the system does: idle ones must not leave too few for others."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
