"""Which services a service depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stack.compose.values import boolean
from stack.model import Dependency

_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")


def dependencies_of(raw: Mapping[str, Any]) -> tuple[Dependency, ...]:
    """Return the services that a service depends on, those that other keys refer to included."""
    explicit = {
        name: Dependency(
            service=name,
            condition=entry["condition"],
            required=boolean(entry.get("required", True)),
            restart=boolean(entry.get("restart", False)),
        )
        for name, entry in (raw.get("depends_on") or {}).items()
    }
    implied = {name: Dependency(service=name, restart=restart) for name, restart in _implied(raw)}
    return tuple({**implied, **explicit}.values())


def _implied(raw: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The services that other keys than ``depends_on`` refer to, and whether this one restarts with them."""
    links = [(link.partition(":")[0], True) for link in raw.get("links") or ()]
    shared = [raw[key] for key in _NAMESPACES if isinstance(raw.get(key), str)]
    namespaces = [(text[8:], True) for text in shared if text.startswith("service:")]
    volumes = [source for source in raw.get("volumes_from") or () if not source.startswith("container:")]
    return links + namespaces + [(source.partition(":")[0], False) for source in volumes]
