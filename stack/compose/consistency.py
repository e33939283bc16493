"""Whether the parts of the compose files fit together: every name that is used is defined.

Source of the rules: compose-go's ``loader.checkConsistency``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stack.compose.limits import contradictions
from stack.errors import ComposeError
from stack.model import Service, Stack


@dataclass(frozen=True, kw_only=True)
class ConsistencyCheck:
    """Finds contradictions in a ``document`` in long form; ``label`` names the files in errors."""

    label: str
    document: Mapping[str, Any]

    def run(self, stack: Stack) -> Stack:
        """Return the stack without dependencies that are optional and absent.

        Raises:
            ComposeError: a service, network, volume, secret or config is used and not defined; no image
                and no build; networks beside a network_mode.
        """
        for service in stack.services.values():
            for key, problem in self._problems(service, stack):
                raise ComposeError(f"{self.label}: services.{service.name}{key}: {problem}")
        services = {name: _drop_absent_dependencies(each, stack) for name, each in stack.services.items()}
        return replace(stack, services=services)

    def _problems(self, service: Service, stack: Stack) -> Iterator[tuple[str, str]]:
        raw = self.document["services"][service.name]
        if not service.image and not service.build and "provider" not in raw:
            yield "", "has neither an image nor a build"
        if raw.get("build") and raw["build"].get("dockerfile") and raw["build"].get("dockerfile_inline"):
            yield ".build", "has both a dockerfile and a dockerfile_inline"
        if raw.get("network_mode") and raw.get("networks"):
            yield "", "has both networks and a network_mode"
        for network in service.networks:
            if network not in stack.networks:
                yield ".networks", f"undefined network {network}"
        for mount in service.mounts:
            if mount.type == "volume" and mount.source and mount.source not in stack.volumes:
                yield ".volumes", f"undefined volume {mount.source}"
        for dependency in service.depends_on:
            is_known = dependency.service in self.document["services"]
            if dependency.service not in stack.services and (dependency.required or not is_known):
                yield f".depends_on.{dependency.service}", self._reason_absent(dependency.service)
        yield from self._undefined_files(raw)
        for sentence in contradictions(raw, f"{self.label}: services.{service.name}"):
            yield "", sentence

    def _undefined_files(self, raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for kind in ("secrets", "configs"):
            for entry in raw.get(kind) or ():
                source = entry.get("source") if isinstance(entry, dict) else entry
                if source not in (self.document.get(kind) or {}):
                    yield f".{kind}", f"undefined {kind[:-1]} {source}"

    def _reason_absent(self, name: str) -> str:
        if name in self.document["services"]:
            return f"the service {name} has a profile that is not active"
        return f"undefined service {name}"


def _drop_absent_dependencies(service: Service, stack: Stack) -> Service:
    present = tuple(each for each in service.depends_on if each.service in stack.services)
    return replace(service, depends_on=present)
