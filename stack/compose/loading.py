"""From a request to a ``Stack``: variables, project name, profiles, resources, consistency."""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.compose import dotenv
from stack.compose.consistency import ConsistencyCheck
from stack.compose.documents import DocumentReader
from stack.compose.interpolation import Interpolation
from stack.compose.resources import real_names
from stack.compose.secret_names import is_secret_name
from stack.compose.services import ServiceReader
from stack.errors import ComposeError, InvalidOption
from stack.model import Service, Stack


@dataclass(frozen=True, kw_only=True)
class Request:
    """The arguments of ``stack.compose.load``."""

    files: tuple[Path, ...]
    environment: Mapping[str, str] | None
    profiles: Collection[str]
    targets: Collection[str]
    env_file: Path | None
    name: str | None


def load_stack(request: Request) -> Stack:
    """Return the stack of a request; see ``stack.compose.load``."""
    if not request.files:
        raise ComposeError("No compose file was given.")
    directory = Path(os.path.normpath(request.files[0].absolute().parent))
    variables = _variables(request, directory)
    interpolation = Interpolation(variables=variables)
    reader = DocumentReader(directory=directory, interpolation=interpolation)
    name = _name(request, variables, reader)
    interpolation.variables = ChainMap({"COMPOSE_PROJECT_NAME": name}, dict(variables))
    document = reader.read(request.files)
    label = ", ".join(str(file) for file in request.files)
    if not document:
        raise ComposeError(f"{label}: the compose file is empty.")
    _require_profiles(request.profiles, document)
    profiles = request.profiles or _split(variables.get("COMPOSE_PROFILES", ""))
    active = _active(document, profiles, request.targets)
    service_reader = ServiceReader(
        label=label, directory=directory, variables=interpolation.variables, document=document
    )
    services = {key: service_reader.read(key, raw) for key, raw in active.items()}
    stack = Stack(
        name=name,
        files=tuple(request.files),
        directory=directory,
        services=services,
        inactive=tuple(name for name in document.get("services") or {} if name not in services),
        env_file=request.env_file,
        private_values=_private_values(request, variables),
        networks=_networks(document, services, name),
        volumes=real_names(document.get("volumes"), name),
        endpoints=dict(document.get("x-endpoints") or {}),
    )
    return ConsistencyCheck(label=label, document=document).run(stack)


def _variables(request: Request, directory: Path) -> dict[str, str]:
    values = dict(os.environ if request.environment is None else request.environment)
    for file in (request.env_file, directory / ".env"):
        if file is not None and file.is_file():
            values = {**dotenv.read(file, values), **values}
    return values


def _private_values(request: Request, variables: Mapping[str, str]) -> tuple[str, ...]:
    if request.env_file is None or not request.env_file.is_file():
        return ()
    values = dotenv.read(request.env_file, variables)
    is_own = request.env_file.name == ".env"  # it describes its project, secrets and all other things
    return tuple(value for name, value in values.items() if not is_own or is_secret_name(name))


def _name(request: Request, variables: Mapping[str, str], reader: DocumentReader) -> str:
    if requested := request.name or variables.get("COMPOSE_PROJECT_NAME"):
        if _normalised(requested) != requested:
            raise ComposeError(
                f"{requested!r} is not a valid project name: use lower-case letters, digits, '-' and '_', "
                "and start with a letter or a digit."
            )
        return requested
    written = ""
    for file in request.files:
        for document in reader.documents_of(file):
            value = document.get("name") if isinstance(document, dict) else None
            if isinstance(value, str) and value:
                written = reader.interpolation.text(value, f"{file}: name")
    name = _normalised(written) or _normalised(reader.directory.name)
    if not name:
        raise ComposeError(f"{request.files[0]}: no project name: add `name:` to the file.")
    return name


def _normalised(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _split(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]


def _require_profiles(chosen: Collection[str], document: Mapping[str, Any]) -> None:
    """Check that each profile that a person names is one of a service, or ``*``; Compose ignores others."""
    services = (document.get("services") or {}).values()
    known = {profile for raw in services for profile in raw.get("profiles") or ()}
    if unknown := [profile for profile in chosen if profile not in {"*", *known}]:
        raise InvalidOption(
            f"No service has the profile {unknown[0]!r}.",
            hint=f"Profiles: {', '.join(sorted(known)) or 'none'}.",
        )


def _active(
    document: Mapping[str, Any], profiles: Collection[str], targets: Collection[str]
) -> dict[str, Any]:
    """Return the services without a profile, and those of a profile that is active (``*``: all).

    Naming a service activates its profiles
    (https://docs.docker.com/compose/how-tos/profiles/#auto-starting-profiles-and-dependency-resolution).
    """
    services = document.get("services") or {}
    named = (services[target] for target in targets if target in services)
    profiles = {*profiles, *(profile for raw in named for profile in raw.get("profiles") or ())}
    return {
        key: raw
        for key, raw in services.items()
        if not raw.get("profiles") or "*" in profiles or set(raw["profiles"]) & set(profiles)
    }


def _networks(document: Mapping[str, Any], services: Mapping[str, Service], project: str) -> dict[str, str]:
    declared = dict(document.get("networks") or {})
    if any("default" in service.networks for service in services.values()):
        declared.setdefault("default", None)
    return real_names(declared, project)
