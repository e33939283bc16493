"""``extends``: a service that starts from another one, of the same file or of another.

Source of the rules: https://github.com/compose-spec/compose-spec/blob/main/05-services.md#extends
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.compose import schema
from stack.compose.merge import merged, plain
from stack.compose.paths import absolute, absolute_service
from stack.compose.shorthand import canonical
from stack.errors import ComposeError

Read = Callable[[Path], dict[str, Any]]


def extended(document: dict[str, Any], file: Path, directory: Path, read: Read) -> dict[str, Any]:
    """The document with each ``extends`` replaced by what it stands for. ``read`` reads another file.

    Raises:
        ComposeError: the other file or service does not exist, or they go in a circle.
    """
    services = document.get("services")
    if not isinstance(services, dict):
        return document
    here = _Place(file=file, directory=directory, services=services)
    return {**document, "services": {name: _service(name, here, read, ()) for name in services}}


@dataclass(frozen=True, kw_only=True)
class _Place:
    file: Path
    directory: Path
    services: dict[str, Any]


def _service(name: str, place: _Place, read: Read, chain: tuple[tuple[Path, str], ...]) -> Any:
    service = place.services[name]
    extends = service.get("extends") if isinstance(service, dict) else None
    if extends is None:
        return service
    if (place.file, name) in chain:
        circle = " -> ".join(f"{each} ({file})" for file, each in (*chain, (place.file, name)))
        raise _error(place, name, f"goes in a circle: {circle}")
    reference = {"service": extends} if isinstance(extends, str) else extends
    if "service" not in reference:
        raise _error(place, name, "the key service is missing")
    there = _elsewhere(name, reference["file"], place, read) if reference.get("file") else place
    if reference["service"] not in there.services:
        raise _error(place, name, f"{there.file} has no service {reference['service']}")
    base = _service(reference["service"], there, read, (*chain, (place.file, name)))
    if there is not place:
        base = _carried(reference["service"], base, there)
    try:
        result = merged(plain(base or {}), service, ("services", name))
    except ComposeError as error:
        raise ComposeError(f"{place.file}: {error.message}") from None
    return {key: value for key, value in result.items() if key != "extends"}


def _elsewhere(name: str, text: str, place: _Place, read: Read) -> _Place:
    file = Path(absolute(text, place.directory))
    if not file.is_file():
        raise _error(place, name, f"there is no file {file}")
    services = read(file).get("services")
    return _Place(file=file, directory=file.parent, services=services if isinstance(services, dict) else {})


def _carried(name: str, base: Any, place: _Place) -> Any:
    """A service of another file, checked under that file's name, its paths made absolute."""
    part = {"services": {name: base}}
    schema.check(part, str(place.file), complete=False)
    return absolute_service(canonical(plain(part), str(place.file))["services"][name], place.directory)


def _error(place: _Place, name: str, text: str) -> ComposeError:
    return ComposeError(f"{place.file}: services.{name}.extends: {text}")
