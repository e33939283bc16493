"""Service names -> host addresses, container paths -> host paths.

``SERVICE:CONTAINER_PORT`` in an environment value or an argument is replaced by the address on this
machine; a path below a mount's target is replaced by the path below the mounted folder.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

LOOPBACK = "127.0.0.1"

Addresses = Mapping[tuple[str, int], tuple[str, int]]
"""(service name, container port) -> (host, port)."""

_NAME = re.compile(r"(?<![A-Za-z0-9_.-])([A-Za-z0-9][A-Za-z0-9_.-]*):(\d{1,5})(?![0-9A-Za-z_.])")
_ABSOLUTE = re.compile(r"(?<![A-Za-z0-9_.])/[A-Za-z0-9_./-]+")


def rewrite_names(text: str, addresses: Addresses, *, own: str | None = None) -> str:
    """Return ``text`` with every known ``service:port`` replaced.

    ``own`` is the service that the text belongs to: its ``localhost`` means itself.
    """

    def replace(match: re.Match[str]) -> str:
        name, port = match[1], int(match[2])
        if own is not None and name in {"localhost", "127.0.0.1", "0.0.0.0"}:
            name = own
        address = addresses.get((name, port))
        return match[0] if address is None else f"{address[0]}:{address[1]}"

    return _NAME.sub(replace, text)


def rewrite_paths(text: str, folders: Mapping[str, str]) -> str:
    """Return ``text`` with every path below a mount's target replaced by its path on this machine."""

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
    """Return the (service, port) pairs that occur in the texts."""
    known = set(names)
    return {(m[1], int(m[2])) for text in texts for m in _NAME.finditer(text) if m[1] in known}
