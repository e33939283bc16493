"""The files in which a project says what it is: pyproject.toml and .python-version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from stack.environments.interpreters import PythonWish
from stack.environments.version_constraint import specifier
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
    required = table.get("project", {}).get("requires-python") or specifier(str(poetry))
    pinned = project / ".python-version"
    text = pinned.read_text(encoding="utf-8") if pinned.is_file() else ""
    version = re.match(r"\s*(\d+\.\d+)", text)
    return PythonWish(required=str(required), preferred=version[1] if version else "")
