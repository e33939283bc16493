"""``python -m dashboard``: serve until told to stop."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys

from dashboard.settings import BadEnvironment, read


def main() -> None:
    """Serve; end with 2 where the environment makes no sense or the database cannot be opened."""
    try:
        settings = read(os.environ)
    except BadEnvironment as error:
        print(f"dashboard: {error}", file=sys.stderr)
        sys.exit(2)
    import uvicorn

    from dashboard.app import create_app
    from dashboard.store import Store

    try:
        store = Store(settings.database)
    except (OSError, sqlite3.Error) as error:
        print(f"dashboard: {settings.database} cannot be opened: {error}", file=sys.stderr)
        sys.exit(2)
    app = create_app(settings, store)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    app.state.is_stopping = lambda: server.should_exit
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(3)  # as uvicorn's own command does; it has said why


if __name__ == "__main__":
    main()
