"""What a plan is: every decision about a stack and its services, without the code that makes it.

Most commands only read the plan of a running stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stack.model import Healthcheck, Service, Stack
from stack.plan import images, server_command

Network = Literal["container", "own", "shared"]
"""Where a service listens: in a container, as a process with a network of its own, or on this machine."""


@dataclass(frozen=True, kw_only=True)
class BuildCommand:
    """One ``RUN``: its text with its here-documents, and the folder in which it is run."""

    text: str
    working_dir: str


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """``base`` is the image that the first stage starts from; its own configuration is not known.

    ``entrypoint`` and ``command`` are None where no stage sets them. ``files`` maps paths of the image
    to the files and folders of this machine that are copied there, ``executable`` are paths of the image that
    the Dockerfile makes executable. ``copied_build_commands`` and ``stage_files`` are those of the stages
    that files are copied from. ``texts`` are the files of this machine that are to be written for what the
    Dockerfile writes in place (``COPY <<EOF /file``), each with its text; ``files`` names them, too.
    """

    base: str = ""
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = "/"
    user: str | None = None
    stop_signal: str | None = None
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: Healthcheck | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    executable: tuple[str, ...] = ()
    build_commands: tuple[BuildCommand, ...] = ()
    copied_build_commands: tuple[BuildCommand, ...] = ()
    stage_files: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def server_image(service: Service, image: ImageConfig) -> str:
    """Return the image whose server a service runs, empty where it runs something else."""
    return base_image(service, image) if server_arguments(service, image) is not None else ""


def base_image(service: Service, image: ImageConfig) -> str:
    """Return the image that a service starts from: its own, or the base of its Dockerfile."""
    return service.image or "" if service.build is None else image.base


def server_arguments(service: Service, image: ImageConfig) -> tuple[str, ...] | None:
    """Return the arguments of the server that a service runs, None where it runs something else."""
    kind = images.server_kind(base_image(service, image))
    if kind is None or service.local.command is not None:
        return None
    entrypoint, command = image.entrypoint or (), image.command or ()
    return server_command.arguments(service, kind, entrypoint=entrypoint, command=command)


def has_command(service: Service) -> bool:
    """Return whether a command runs that is known without its image: ``x-local``'s, or a build's."""
    return service.build is not None or service.local.command is not None


def network_owner(name: str, services: Mapping[str, Service]) -> str:
    """Return the service whose network another one is in: its own, else that of the one that it joins."""
    for _ in services:  # no longer than there are services, also where they join each other in a circle
        if (joined := services[name].joins) in services:
            name = joined
    return name


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why an engine cannot run a service, in one sentence, and the way out."""

    sentence: str
    way_out: str


@dataclass(frozen=True, kw_only=True)
class ServicePlan:
    """One service, ready to be started; ``service`` has the defaults of its image.

    ``argv`` is empty where the image decides. ``ports`` maps container to host ports, ``further_ports`` are
    pairs of those that it publishes besides, of a port that has one already. ``healthcheck`` is the check's
    ``test`` with addresses of this machine, ``executed`` the test as it is run where the service runs.
    ``awaited``: another service waits until this one has completed. ``image`` is the configuration of the
    image that its Dockerfile makes. ``server_image`` is the image whose server it runs, empty where it runs
    something else.
    """

    service: Service
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    ports: Mapping[int, int]
    cwd: Path
    further_ports: tuple[tuple[int, int], ...] = ()
    healthcheck: tuple[str, ...] = ()
    executed: tuple[str, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)
    awaited: bool = False
    image: ImageConfig = field(default_factory=ImageConfig)
    problem: Problem | None = None
    network: Network = "shared"
    server_image: str = ""

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def runs_server(self) -> bool:
        """Return whether a server of its image's kind is run, and not a command of the service's own."""
        return bool(self.server_image) or (not self.argv and self.service.local.command is None)

    @property
    def runner_image(self) -> str | None:
        """Return the image that only a runner can run, None where a command runs."""
        return self.server_image or (None if has_command(self.service) else self.service.image or "")

    def host_port(self, target: int) -> int | None:
        """Return the host port of a port of its container, else its first one; None where it has none."""
        return self.ports.get(target, next(iter(self.ports.values()), None))

    def listens(self) -> tuple[int, ...]:
        """Return the ports at which it is to listen, as its processes see them."""
        if self.network != "own":
            return tuple(self.ports.values())
        return tuple(dict.fromkeys((*self.ports, *self.service.expose, *self.image.ports)))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A stack with every decision made.

    ``services`` is in start order; ``notes`` are what is probably a mistake in the compose files;
    ``left_out`` says why a service that the stack can do without is not in the plan.
    """

    name: str
    engine: str
    stack: Stack
    services: Mapping[str, ServicePlan]
    endpoints: Mapping[str, str]
    notes: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def servers(self, kind: images.ServerKind) -> list[ServicePlan]:
        """Return the services that run a server of this kind."""
        return [each for each in self.services.values() if images.server_kind(each.server_image) == kind]

    def grace_s(self) -> float:
        """Return how long the services may take to end by themselves, each after those that depend on it."""
        ended_s: dict[str, float] = {}
        for name, planned in reversed(list(self.services.items())):
            before_s = (ended_s[other] for other in ended_s if self._needs(other, name))
            ended_s[name] = planned.service.stop_grace_period_s + max(before_s, default=0.0)
        return max(ended_s.values(), default=0.0)

    def _needs(self, name: str, other: str) -> bool:
        return any(need.service == other for need in self.services[name].service.depends_on)
