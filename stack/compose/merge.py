"""A later document merged into an earlier one, key by key, as compose does it.

Source of the rules: https://github.com/compose-spec/compose-spec/blob/main/13-merge.md
and compose-go's ``override`` package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stack.compose.shorthand import volume_target
from stack.compose.source import Override, Reset
from stack.compose.values import text
from stack.errors import ComposeError

Path = tuple[str, ...]
_STARTED: Final = {"condition": "service_started", "required": True}


def merge(base: Any, over: Any, path: Path = ()) -> Any:
    """Return ``base`` with ``over`` merged into it. Neither is changed.

    Raises:
        ComposeError: a mapping or a list would be replaced by another type; does not name the file.
    """
    if isinstance(over, Override):
        return strip_markers(over.value)
    if rule := _RULES.get(_pattern_of(path)):
        return rule(base, over, path)
    if over is None:
        return base
    if isinstance(base, dict | list) and type(over) is not type(base):
        raise ComposeError(
            f"{'.'.join(path)}: cannot be merged with the value in an earlier file: the types differ"
        )
    if isinstance(base, dict):
        return _merge_mappings(base, over, path)
    if isinstance(base, list):
        return [*base, *strip_markers(over)]
    return strip_markers(over)


def strip_markers(value: Any) -> Any:
    """Return ``value`` without ``!reset`` and ``!override``, where there is nothing to merge with."""
    if isinstance(value, Override):
        return strip_markers(value.value)
    if isinstance(value, dict):
        return {key: strip_markers(item) for key, item in value.items() if not isinstance(item, Reset)}
    if isinstance(value, list):
        return [strip_markers(item) for item in value if not isinstance(item, Reset)]
    return value


def remove_duplicates(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with only the last entry of each name in the lists whose entries have names."""
    return {key: _without_duplicates(value, (key,)) for key, value in document.items()}


def _without_duplicates(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _without_duplicates(item, (*path, key)) for key, item in value.items()}
    index = _INDEXES.get(_pattern_of(path))
    if not isinstance(value, list) or index is None:
        return value
    return list({index(item): item for item in value}.values())


def _pattern_of(path: Path) -> Path:
    """The path with a star in place of each name that the author chose (a service, a network, ...)."""
    stars = {1, 3} if path[2:3] in (("networks",), ("ulimits",)) else {1}
    return tuple("*" if index in stars else part for index, part in enumerate(path))


def _merge_mappings(base: dict[str, Any], over: dict[str, Any], path: Path) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, Reset):
            result.pop(key, None)
        else:
            result[key] = merge(base[key], value, (*path, key)) if key in base else strip_markers(value)
    return result


def _replace(base: Any, over: Any, path: Path) -> Any:
    return strip_markers(over)


def _concatenate(base: Any, over: Any, path: Path) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        base = {key: value for key, value in base.items() if not isinstance(over.get(key), Reset)}
    return [*_sequence(base), *_sequence(strip_markers(over))]


def _concatenate_new(base: Any, over: Any, path: Path) -> Any:
    first = _sequence(base)
    return [*first, *(item for item in _sequence(strip_markers(over)) if item not in first)]


def _merge_as_mappings(default: dict[str, Any] | None) -> Callable[[Any, Any, Path], Any]:
    def rule(base: Any, over: Any, path: Path) -> Any:
        return _merge_mappings(_mapping(base, default), _mapping(over, default), path)

    return rule


def _merge_build(base: Any, over: Any, path: Path) -> Any:
    long = [{"context": side} if isinstance(side, str) else side or {} for side in (base, over)]
    return _merge_mappings(long[0], long[1], path)


def _merge_logging(base: Any, over: Any, path: Path) -> Any:
    base, over = base or {}, over or {}
    same = "driver" not in base or "driver" not in over or base["driver"] == over["driver"]
    return _merge_mappings(base, over, path) if same else strip_markers(over)


def _mapping(value: Any, default: dict[str, Any] | None) -> dict[str, Any]:
    if isinstance(value, list):
        return {item: None if default is None else dict(default) for item in value}
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return sorted(entry for key, item in value.items() for entry in _entries(key, item))
    if isinstance(value, str):
        return [value]
    return value or []


def _entries(key: str, value: Any) -> list[str]:
    if value is None:
        return [key]
    return [f"{key}={text(item)}" for item in (value if isinstance(value, list) else [value])]


def _name(item: Any) -> Any:
    return item.partition("=")[0] if isinstance(item, str) else item


def _port(item: Any) -> Any:
    if not isinstance(item, dict):
        return str(item)
    keys = ("host_ip", "published", "target", "protocol")
    host, published, target, protocol = (item.get(key) for key in keys)
    return f"{host or '0.0.0.0'}:{published}:{target}/{protocol or 'tcp'}"


def _file(item: Any) -> Any:
    return item.get("path") if isinstance(item, dict) else item


def _device(item: Any) -> Any:
    return item.get("target") if isinstance(item, dict) else item.split(":")[:2][-1]


def _mount_target(folder: str) -> Callable[[Any], Any]:
    def index(item: Any) -> Any:
        if isinstance(item, dict):
            return item.get("target") or f"{folder}/{item.get('source')}"
        return f"{folder}/{item}"

    return index


def _services(names: str, value: Any) -> dict[Path, Any]:
    return {("services", "*", *name.split(".")): value for name in names.split()}


_RULES: Final[dict[Path, Callable[[Any, Any, Path], Any]]] = {
    ("networks", "*", "labels"): _concatenate,
    ("volumes", "*", "labels"): _concatenate,
    **_services("command entrypoint healthcheck.test x-local.command", _replace),
    **_services("annotations build.args build.additional_contexts build.labels deploy.labels", _concatenate),
    **_services("dns dns_opt dns_search env_file label_file environment labels sysctls tmpfs", _concatenate),
    **_services("x-local.environment", _concatenate),
    **_services("extra_hosts build.extra_hosts", _concatenate_new),
    **_services("depends_on", _merge_as_mappings(_STARTED)),
    **_services("networks models", _merge_as_mappings(None)),
    **_services("build", _merge_build),
    **_services("logging", _merge_logging),
    **_services("ulimits.*", _replace),
}

_INDEXES: Final[dict[Path, Callable[[Any], Any]]] = {
    ("networks", "*", "labels"): _name,
    **_services("annotations build.args build.additional_contexts build.tags build.labels", _name),
    **_services("cap_add cap_drop deploy.labels dns dns_opt dns_search environment labels links", _name),
    **_services("networks.*.aliases networks.*.link_local_ips profiles sysctls tmpfs", _name),
    **_services("x-local.environment", _name),
    **_services("expose", str),
    **_services("env_file", _file),
    **_services("ports", _port),
    **_services("volumes", volume_target),
    **_services("devices", _device),
    **_services("configs", _mount_target("")),
    **_services("secrets", _mount_target("/run/secrets")),
}
