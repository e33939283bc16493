"""``python -m stack.lock_check``: every lock still satisfies the project it was made from, offline."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from stack.errors import LockMismatch
from stack.locks import Interpreter, check_lock

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = (
    (".", "requirements/dev.txt"),
    (".", "requirements/fuzz.txt"),
    ("backend", "requirements.txt"),
    ("backend", "requirements-dev.txt"),
    ("ai-services/api_gateway", "requirements.txt"),
    ("ai-services/api_gateway", "requirements-dev.txt"),
    ("integration_tests", "requirements.txt"),
)


def main(root: Path = ROOT) -> int:
    """Check every lock; 0 where all match, else the error's exit code."""
    here = Interpreter(path=Path(sys.executable), version=platform.python_version())
    for folder, name in PROJECTS:
        project, lock = root / folder, root / folder / name
        try:
            check_lock(project, (project / "pyproject.toml").read_bytes(), lock, lock.read_bytes(), here)
        except LockMismatch as problem:
            print(f"error: {problem}", file=sys.stderr)
            return problem.code
    print(f"{len(PROJECTS)} locks match their projects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
