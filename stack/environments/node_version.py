"""The version of Node.js here, and the one that a service's image has."""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Callable

from stack.errors import CommandFailed
from stack.plan.images import major_version, parse_reference
from stack.system import programs

VERSION_LIMIT_S = 30.0
"""How long Node.js may take to print its version."""


def compare(name: str, image: str, say: Callable[[str], None]) -> None:
    """Say where the service ``name`` gets another Node.js than its image has."""
    wanted, here = major_version(parse_reference(image).tag), installed()
    if wanted is not None and here and wanted != major_version(here):
        say(f"{name} asks for Node.js {wanted}; it gets {here}, the one of this machine")


@functools.cache
def installed() -> str:
    """Return the version of the Node.js on the PATH; empty where there is none."""
    node = shutil.which("node")
    try:
        text = programs.run([node, "--version"], timeout_s=VERSION_LIMIT_S).stdout if node else ""
    except CommandFailed:
        return ""
    match = re.match(r"v?(\d+(\.\d+)*)", text)
    return match[1] if match else ""
