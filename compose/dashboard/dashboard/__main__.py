"""``python -m dashboard``: serve until told to stop."""

from __future__ import annotations

import os
import sys

from dashboard.settings import BadEnvironment, read


def main() -> None:
    """Serve; end with 2 where the environment makes no sense."""
    try:
        settings = read(os.environ)
    except BadEnvironment as error:
        print(f"dashboard: {error}", file=sys.stderr)
        sys.exit(2)
    import uvicorn

    from dashboard.app import create_app

    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
