"""A later document laid over an earlier one, key by key, as compose does it.

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


def merged(base: Any, over: Any, path: Path = ()) -> Any:
    """``base`` with ``over`` laid on it. Neither is changed.

    Raises:
        ComposeError: a mapping or a list would be replaced by something else; without a file.
    """
    if isinstance(over, Override):
        return plain(over.value)
    if rule := _RULES.get(_general(path)):
        return rule(base, over, path)
    if over is None:
        return base
    if isinstance(base, dict | list) and type(over) is not type(base):
        raise ComposeError(
            f"{'.'.join(path)}: cannot be laid over what an earlier file says: it is of another type"
        )
    if isinstance(base, dict):
        return _mappings(base, over, path)
    if isinstance(base, list):
        return [*base, *plain(over)]
    return plain(over)


def plain(value: Any) -> Any:
    """``value`` without the markers ``!reset`` and ``!override``, where there is nothing to lay it over."""
    if isinstance(value, Override):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if not isinstance(item, Reset)}
    if isinstance(value, list):
        return [plain(item) for item in value if not isinstance(item, Reset)]
    return value


def unique(document: dict[str, Any]) -> dict[str, Any]:
    """The document with, in each list whose entries have a name of their own, only the last of a name."""
    return {key: _unique(value, (key,)) for key, value in document.items()}


def _unique(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _unique(item, (*path, key)) for key, item in value.items()}
    index = _INDEXES.get(_general(path))
    if not isinstance(value, list) or index is None:
        return value
    return list({index(item): item for item in value}.values())


def _general(path: Path) -> Path:
    """The path with what a person named (a service, a network, ...) as a star."""
    stars = {1, 3} if path[2:3] in (("networks",), ("ulimits",)) else {1}
    return tuple("*" if index in stars else part for index, part in enumerate(path))


def _mappings(base: dict[str, Any], over: dict[str, Any], path: Path) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, Reset):
            result.pop(key, None)
        else:
            result[key] = merged(base[key], value, (*path, key)) if key in base else plain(value)
    return result


def _replaced(base: Any, over: Any, path: Path) -> Any:
    return plain(over)


def _sequences(base: Any, over: Any, path: Path) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        base = {key: value for key, value in base.items() if not isinstance(over.get(key), Reset)}
    return [*_sequence(base), *_sequence(plain(over))]


def _hosts(base: Any, over: Any, path: Path) -> Any:
    first = _sequence(base)
    return [*first, *(item for item in _sequence(plain(over)) if item not in first)]


def _keyed(default: dict[str, Any] | None) -> Callable[[Any, Any, Path], Any]:
    def rule(base: Any, over: Any, path: Path) -> Any:
        return _mappings(_mapping(base, default), _mapping(over, default), path)

    return rule


def _build(base: Any, over: Any, path: Path) -> Any:
    long = [{"context": side} if isinstance(side, str) else side or {} for side in (base, over)]
    return _mappings(long[0], long[1], path)


def _logging(base: Any, over: Any, path: Path) -> Any:
    base, over = base or {}, over or {}
    same = "driver" not in base or "driver" not in over or base["driver"] == over["driver"]
    return _mappings(base, over, path) if same else plain(over)


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


def _mounted(folder: str) -> Callable[[Any], Any]:
    def index(item: Any) -> Any:
        if isinstance(item, dict):
            return item.get("target") or f"{folder}/{item.get('source')}"
        return f"{folder}/{item}"

    return index


def _services(names: str, value: Any) -> dict[Path, Any]:
    return {("services", "*", *name.split(".")): value for name in names.split()}


_RULES: Final[dict[Path, Callable[[Any, Any, Path], Any]]] = {
    ("networks", "*", "labels"): _sequences,
    ("volumes", "*", "labels"): _sequences,
    **_services("command entrypoint healthcheck.test x-local.command", _replaced),
    **_services("annotations build.args build.additional_contexts build.labels deploy.labels", _sequences),
    **_services("dns dns_opt dns_search env_file label_file environment labels sysctls tmpfs", _sequences),
    **_services("x-local.environment", _sequences),
    **_services("extra_hosts build.extra_hosts", _hosts),
    **_services("depends_on", _keyed(_STARTED)),
    **_services("networks models", _keyed(None)),
    **_services("build", _build),
    **_services("logging", _logging),
    **_services("ulimits.*", _replaced),
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
    **_services("configs", _mounted("")),
    **_services("secrets", _mounted("/run/secrets")),
}
