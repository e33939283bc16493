"""Service names become addresses, container paths become host paths.

``SERVICE:CONTAINER_PORT`` inside an environment value or an argument is rewritten to the host
address that answers for it; the target of a mount is rewritten to the folder behind it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

Addresses = Mapping[tuple[str, int], tuple[str, int]]
"""(service name, container port) -> (host, port)."""

_NAME = re.compile(r"(?<![A-Za-z0-9_.-])([A-Za-z0-9][A-Za-z0-9_.-]*):(\d{1,5})(?![0-9A-Za-z_.])")
_ABSOLUTE = re.compile(r"(?<![A-Za-z0-9_.])/[A-Za-z0-9_./-]+")


def rewrite_names(text: str, addresses: Addresses, *, own: str | None = None) -> str:
    """Return ``text`` with every known ``service:port`` replaced.

    ``own`` is the service whose ``localhost`` is meant, where the text is that service's own.
    """

    def replace(match: re.Match[str]) -> str:
        name, port = match[1], int(match[2])
        if own is not None and name in {"localhost", "127.0.0.1", "0.0.0.0"}:
            name = own
        found = addresses.get((name, port))
        return match[0] if found is None else f"{found[0]}:{found[1]}"

    return _NAME.sub(replace, text)


def rewrite_paths(text: str, folders: Mapping[str, str]) -> str:
    """Return ``text`` with every path below a mount's target moved to the folder behind it."""

    def replace(match: re.Match[str]) -> str:
        extra = len(match[0]) - len(match[0].lstrip("/")) - 1
        if extra == 1 and text[: match.start()].endswith(":"):
            return match[0]  # the authority of a URL, not a path
        path = posixpath.normpath("/" + match[0].lstrip("/"))
        for target in sorted(folders, key=len, reverse=True):
            if path == target or path.startswith(target.rstrip("/") + "/"):
                return "/" * extra + folders[target] + path[len(target.rstrip("/")) :]
        return match[0]

    return _ABSOLUTE.sub(replace, text) if folders else text


def referenced_ports(texts: Iterable[str], names: Iterable[str]) -> set[tuple[str, int]]:
    """Return which (service, port) pairs the texts speak of."""
    known = set(names)
    return {(m[1], int(m[2])) for text in texts for m in _NAME.finditer(text) if m[1] in known}
