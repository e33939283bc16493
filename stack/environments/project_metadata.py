"""The files in which a project says what it is: pyproject.toml and .python-version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from stack.environments.interpreters import PythonWish
from stack.errors import LockMismatch


def read_toml(file: Path) -> dict[str, Any]:
    """Return the content of a TOML file; nothing where it does not exist.

    Raises:
        LockMismatch: it cannot be read.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise LockMismatch(f"{file} cannot be read: {error}.", hint="Correct it.") from error


def python_wish(project: Path) -> PythonWish:
    """Return which Python a project asks for: ``requires-python``, and the one in ``.python-version``."""
    table = read_toml(project / "pyproject.toml")
    poetry = table.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python", "")
    required = table.get("project", {}).get("requires-python") or _pep440(str(poetry))
    pinned = project / ".python-version"
    text = pinned.read_text(encoding="utf-8") if pinned.is_file() else ""
    version = re.match(r"\s*(\d+\.\d+)", text)
    return PythonWish(required=str(required), preferred=version[1] if version else "")


def _pep440(constraint: str) -> str:
    """Poetry's ``^3.11`` and ``~3.11`` as PEP 440 says them."""
    match = re.fullmatch(r"([\^~])(\d+)(?:\.(\d+))?(?:\.\d+)?", constraint.strip())
    if not match:
        return "" if constraint.strip() == "*" else constraint.strip()
    major, minor = int(match[2]), match[3] or "0"
    return f">={major}.{minor},<{major + 1}" if match[1] == "^" else f"=={major}.{minor}.*"
