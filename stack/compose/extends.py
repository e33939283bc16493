"""``extends``: a service that builds on another one, of the same file or of another.

Source of the rules: https://github.com/compose-spec/compose-spec/blob/main/05-services.md#extends
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.compose import schema
from stack.compose.merge import merge, strip_markers
from stack.compose.paths import absolute, absolute_service
from stack.compose.shorthand import expand_short_forms
from stack.errors import ComposeError

Read = Callable[[Path], dict[str, Any]]


def resolve_extends(document: dict[str, Any], file: Path, directory: Path, read: Read) -> dict[str, Any]:
    """Return the document with each ``extends`` merged in. ``read`` reads another file.

    Raises:
        ComposeError: the other file or service does not exist, or ``extends`` is circular.
    """
    services = document.get("services")
    if not isinstance(services, dict):
        return document
    own_file = _File(file=file, directory=directory, services=services)
    return {**document, "services": {name: _resolve(name, own_file, read, ()) for name in services}}


@dataclass(frozen=True, kw_only=True)
class _File:
    file: Path
    directory: Path
    services: dict[str, Any]


def _resolve(name: str, source: _File, read: Read, chain: tuple[tuple[Path, str], ...]) -> Any:
    service = source.services[name]
    extends = service.get("extends") if isinstance(service, dict) else None
    if extends is None:
        return service
    if (source.file, name) in chain:
        circle = " -> ".join(f"{each} ({file})" for file, each in (*chain, (source.file, name)))
        raise _error(source, name, f"circular extends: {circle}")
    reference = {"service": extends} if isinstance(extends, str) else extends
    if "service" not in reference:
        raise _error(source, name, "the key service is missing")
    base_file = _open_other(name, reference["file"], source, read) if reference.get("file") else source
    if reference["service"] not in base_file.services:
        raise _error(source, name, f"{base_file.file} has no service {reference['service']}")
    base = _resolve(reference["service"], base_file, read, (*chain, (source.file, name)))
    if base_file is not source:
        base = _with_absolute_paths(reference["service"], base, base_file)
    try:
        result = merge(strip_markers(base or {}), service, ("services", name))
    except ComposeError as error:
        raise ComposeError(f"{source.file}: {error.message}") from None
    return {key: value for key, value in result.items() if key != "extends"}


def _open_other(name: str, text: str, source: _File, read: Read) -> _File:
    file = Path(absolute(text, source.directory))
    if not file.is_file():
        raise _error(source, name, f"there is no file {file}")
    services = read(file).get("services")
    return _File(file=file, directory=file.parent, services=services if isinstance(services, dict) else {})


def _with_absolute_paths(name: str, base: Any, source: _File) -> Any:
    """A service of another file, checked under that file's name."""
    part = {"services": {name: base}}
    schema.check(part, str(source.file), complete=False)
    return absolute_service(
        expand_short_forms(strip_markers(part), str(source.file))["services"][name], source.directory
    )


def _error(source: _File, name: str, text: str) -> ComposeError:
    return ComposeError(f"{source.file}: services.{name}.extends: {text}")
