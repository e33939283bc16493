"""From a request to a ``Stack``: variables, project name, profiles, resources, and what must agree."""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.compose import dotenv
from stack.compose.consistency import Agreement
from stack.compose.documents import Assembly
from stack.compose.interpolation import Interpolation
from stack.compose.services import Builder
from stack.compose.values import boolean
from stack.errors import ComposeError
from stack.model import Service, Stack


@dataclass(frozen=True, kw_only=True)
class Request:
    """The arguments of ``stack.compose.load``."""

    files: tuple[Path, ...]
    environment: Mapping[str, str] | None
    profiles: Collection[str]
    env_file: Path | None
    name: str | None


def load_stack(request: Request) -> Stack:
    """See ``stack.compose.load``."""
    if not request.files:
        raise ComposeError("No compose file was named.")
    directory = Path(os.path.normpath(request.files[0].absolute().parent))
    variables = _variables(request, directory)
    interpolation = Interpolation(variables=variables)
    assembly = Assembly(directory=directory, interpolation=interpolation)
    name = _name(request, variables, assembly)
    interpolation.variables = ChainMap({"COMPOSE_PROJECT_NAME": name}, dict(variables))
    document = assembly.document(request.files)
    label = ", ".join(str(file) for file in request.files)
    if not document:
        raise ComposeError(f"{label}: says nothing.")
    active = _active(document, request.profiles or _split(variables.get("COMPOSE_PROFILES", "")))
    builder = Builder(label=label, directory=directory, variables=interpolation.variables)
    services = {key: builder.service(key, raw) for key, raw in active.items()}
    stack = Stack(
        name=name,
        files=tuple(request.files),
        directory=directory,
        services=services,
        env_file=request.env_file,
        networks=_networks(document, services, name),
        volumes=_names(document.get("volumes"), name),
        endpoints=dict(document.get("x-endpoints") or {}),
        variables=interpolation.used,
    )
    return Agreement(label=label, document=document).checked(stack)


def _variables(request: Request, directory: Path) -> dict[str, str]:
    around = dict(os.environ if request.environment is None else request.environment)
    for file in (request.env_file, directory / ".env"):
        if file is not None and file.is_file():
            around = {**dotenv.read(file, around), **around}
    return around


def _name(request: Request, variables: Mapping[str, str], assembly: Assembly) -> str:
    if given := request.name or variables.get("COMPOSE_PROJECT_NAME"):
        if _normalised(given) != given:
            raise ComposeError(
                f"{given!r} is no project name: use lower-case letters, digits, '-' and '_', "
                "first a letter or a digit."
            )
        return given
    named = ""
    for file in request.files:
        for document in assembly.parsed(file):
            own = document.get("name") if isinstance(document, dict) else None
            named = (
                assembly.interpolation.text(own, f"{file}: name") if isinstance(own, str) and own else named
            )
    name = _normalised(named) or _normalised(assembly.directory.name)
    if not name:
        raise ComposeError(f"{request.files[0]}: no project name: say name: in the file.")
    return name


def _normalised(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _split(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]


def _active(document: Mapping[str, Any], profiles: Collection[str]) -> dict[str, Any]:
    """The services without a profile, and those with one that was asked for (``*``: all)."""
    services = document.get("services") or {}
    return {
        key: raw
        for key, raw in services.items()
        if not raw.get("profiles") or "*" in profiles or set(raw["profiles"]) & set(profiles)
    }


def _networks(document: Mapping[str, Any], services: Mapping[str, Service], project: str) -> dict[str, str]:
    declared = dict(document.get("networks") or {})
    if any("default" in service.networks for service in services.values()):
        declared.setdefault("default", None)
    return _names(declared, project)


def _names(declared: Mapping[str, Any] | None, project: str) -> dict[str, str]:
    """Each key with the name that the engine uses."""
    return {key: _real_name(key, raw or {}, project) for key, raw in (declared or {}).items()}


def _real_name(key: str, raw: Mapping[str, Any], project: str) -> str:
    external = raw.get("external", False)
    named = external.get("name") if isinstance(external, dict) else None
    if name := raw.get("name") or named:
        return str(name)
    is_external = isinstance(external, dict) or boolean(external)
    return key if is_external else f"{project}_{key}"
