"""From a request to a ``Stack``: variables, project name, profiles, resources, and what must agree."""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stack.compose import dotenv
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
        networks=_networks(document, services, name),
        volumes=_names(document.get("volumes"), name),
        variables=interpolation.used,
    )
    return _Agreement(label=label, document=document).checked(stack)


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
                f"{given!r} is no project name: use lower-case letters, digits, '-' and '_', first a letter or a digit."
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


@dataclass(frozen=True, kw_only=True)
class _Agreement:
    """What one part of the files says about another must be true."""

    label: str
    document: Mapping[str, Any]

    def checked(self, stack: Stack) -> Stack:
        """The stack without dependencies that are optional and absent.

        Raises:
            ComposeError: a service, network or volume that no file defines; no image and no build.
        """
        services = {name: self._service(service, stack) for name, service in stack.services.items()}
        return replace(stack, services=services)

    def _service(self, service: Service, stack: Stack) -> Service:
        key = f"services.{service.name}"
        if not service.image and not service.build and "provider" not in self._raw(service):
            raise self._error(key, "has neither an image nor a build")
        raw = self._raw(service)
        if raw.get("network_mode") and raw.get("networks"):
            raise self._error(key, "has both networks and a network_mode")
        for network in service.networks:
            if network not in stack.networks:
                raise self._error(f"{key}.networks", f"there is no network {network}")
        for mount in service.mounts:
            if mount.type == "volume" and mount.source and mount.source not in stack.volumes:
                raise self._error(f"{key}.volumes", f"there is no volume {mount.source}")
        kept = tuple(each for each in service.depends_on if each.service in stack.services)
        for dependency in service.depends_on:
            if dependency.required and dependency not in kept:
                raise self._error(f"{key}.depends_on.{dependency.service}", self._absent(dependency.service))
        return replace(service, depends_on=kept)

    def _raw(self, service: Service) -> Mapping[str, Any]:
        raw: Mapping[str, Any] = self.document["services"][service.name]
        return raw

    def _absent(self, name: str) -> str:
        if name in self.document["services"]:
            return f"the service {name} has a profile that is not active"
        return f"there is no service {name}"

    def _error(self, key: str, text: str) -> ComposeError:
        return ComposeError(f"{self.label}: {key}: {text}")
