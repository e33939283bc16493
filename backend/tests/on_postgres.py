"""`python -m tests.on_postgres [ARGUMENT...]`: run pytest on a Postgres that is made for it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.servers import PostgresServer


def main() -> int:
    """Run the tests, and return pytest's exit code."""
    with PostgresServer() as server:
        environment = {**os.environ, "TEST_DATABASE_URL": server.url}
        command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
