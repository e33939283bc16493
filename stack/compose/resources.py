"""The networks and volumes of compose files: the names that an engine uses, and which are external.

Source of the rules: https://docs.docker.com/reference/compose-file/volumes/#external
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stack.compose.values import boolean


def real_names(declared: Mapping[str, Any] | None, project: str) -> dict[str, str]:
    """Return each key of the files with the name that the engine uses."""
    return {key: _real_name(key, raw or {}, project) for key, raw in (declared or {}).items()}


def external_names(service: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the external volumes and networks that a service in long form names."""
    volumes = (each.get("source") for each in service.get("volumes") or () if each.get("type") == "volume")
    named = (("volumes", volumes), ("networks", service.get("networks") or ()))
    return tuple(
        str(name)
        for kind, names in named
        for name in names
        if is_external((document.get(kind) or {}).get(name) or {})
    )


def is_external(raw: Mapping[str, Any]) -> bool:
    """Return whether a network or a volume exists outside of the project."""
    external = raw.get("external", False)
    return isinstance(external, dict) or boolean(external)


def _real_name(key: str, raw: Mapping[str, Any], project: str) -> str:
    external = raw.get("external", False)
    named = external.get("name") if isinstance(external, dict) else None
    if name := raw.get("name") or named:
        return str(name)
    return key if is_external(raw) else f"{project}_{key}"
