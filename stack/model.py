"""The content of compose files, as immutable data.

Names follow the compose specification (https://github.com/compose-spec/compose-spec).
Durations are seconds and end in ``_s``; sizes are bytes and end in ``_bytes``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]
MountType = Literal["bind", "volume", "tmpfs"]

_UNITS_S: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,  # U+00B5, the micro sign
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
}

_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([^\d.]+)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Port:
    """A published port. ``published`` is None where the file leaves the choice to the engine.

    ``fixed`` is true where a variable with a value chose the host port; such a port is never replaced by
    a free one.
    """

    target: int
    published: int | None = None
    host_ip: str = "127.0.0.1"
    protocol: str = "tcp"
    fixed: bool = False


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A bind, a volume or a tmpfs. ``source`` is a host path, a volume key, or None (anonymous, tmpfs).

    ``subpath`` is the folder of a volume that is mounted, empty for all; a ``limited`` tmpfs has a size.
    """

    type: MountType
    target: str
    source: str | None = None
    read_only: bool = False
    subpath: str = ""
    limited: bool = False


@dataclass(frozen=True, kw_only=True)
class Healthcheck:
    """A health check; ``test`` is ``("CMD", ...)`` or ``("CMD-SHELL", text)``.

    Defaults are the compose specification's. Its ``start_interval`` has no field: see docs/engines.md.
    """

    test: tuple[str, ...]
    interval_s: float = 30.0
    timeout_s: float = 30.0
    retries: int = 3
    start_period_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """One entry of ``depends_on``."""

    service: str
    condition: Condition = "service_started"
    required: bool = True
    restart: bool = False


@dataclass(frozen=True, kw_only=True)
class Build:
    """What a service's image is built from.

    ``context`` is absolute, ``dockerfile`` relative to it; ``dockerfile_text`` takes its place where it is
    written in the compose file. ``url`` is the context where that is not a folder of this machine.
    """

    context: Path
    url: str = ""
    dockerfile: str = "Dockerfile"
    dockerfile_text: str = ""
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that one container of a service may use; None where there is no limit.

    ``ulimits`` are the limits of each process (setrlimit(2)) by name: soft and hard, -1 for none.
    """

    memory_bytes: int | None = None
    processes: int | None = None
    cpus: float | None = None
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FileGrant:
    """A secret or a config that a service reads as the file ``target``.

    It is a copy of ``file``, else it holds ``content``; a grant that has neither is external.
    """

    kind: Literal["secret", "config"]
    name: str
    target: str
    file: Path | None = None
    content: str | None = field(default=None, repr=False)
    mode: int = 0o444


@dataclass(frozen=True, kw_only=True)
class LocalHints:
    """The ``x-local`` key: what the local engine cannot find out by itself.

    ``command`` replaces the image's command, ``python`` is an interpreter version (``"3.13"``),
    ``working_dir`` is absolute, ``environment`` overrides the service's own.
    """

    command: tuple[str, ...] | None = None
    python: str | None = None
    working_dir: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Service:
    """One entry of ``services``.

    ``hostnames`` are the names besides the service's own by which others reach it: ``hostname``,
    ``container_name`` and the aliases of its networks; ``addresses`` are its fixed ones (``ipv4_address``).
    ``healthcheck_disabled``: the check of its image does not count. ``network_mode`` is empty where it has
    networks; ``external`` are the networks and volumes among its own that exist outside of the project.
    ``other_keys`` are the keys of the file that have no field here; stack/plan/unenforced.py says what
    becomes of each. ``optional`` (the ``x-optional`` key): where an engine cannot run it, the stack comes up
    without it.
    """

    name: str
    image: str | None = None
    build: Build | None = None
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    expose: tuple[int, ...] = ()
    mounts: tuple[Mount, ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    healthcheck: Healthcheck | None = None
    healthcheck_disabled: bool = False
    restart: str = "no"
    stop_signal: str | None = None
    stop_grace_period_s: float = 10.0
    user: str | None = None
    working_dir: str | None = None
    networks: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    network_mode: str = ""
    hostnames: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    extra_hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    read_only: bool = False
    tty: bool = False
    stdin_open: bool = False
    replicas: int = 1
    limits: Limits = field(default_factory=Limits)
    files: tuple[FileGrant, ...] = ()
    other_keys: tuple[str, ...] = ()
    optional: bool = False
    local: LocalHints = field(default_factory=LocalHints)

    @property
    def joins(self) -> str:
        """Return the name of the service whose network it shares, empty where it shares none."""
        kind, _, name = self.network_mode.partition(":")
        return name if kind == "service" else ""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A loaded compose description.

    ``name`` is the project name. ``networks`` and ``volumes`` map the file's keys to the names the engine
    uses (``ecommerce-local-network``). ``services`` holds only those whose profile is active, in file
    order, ``inactive`` the names of the others. ``env_file`` holds further variables and may be absent;
    ``private_values`` are those of its values that are never shown. ``endpoints`` (the ``x-endpoints`` key)
    are the addresses that tests and people use, written with service names (``http://backend:8000``).
    """

    name: str
    files: tuple[Path, ...]
    directory: Path
    services: Mapping[str, Service]
    inactive: tuple[str, ...] = ()
    env_file: Path | None = None
    private_values: tuple[str, ...] = ()
    networks: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)


def seconds(text: str) -> float:
    """Return the seconds of a duration, such as ``1m30s`` or ``250ms``; days and weeks too.

    Compose files and Dockerfiles write it as Go does (https://pkg.go.dev/time#ParseDuration).

    Raises:
        ValueError: not a duration, or a unit is missing.
    """
    sign, digits = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if digits == "0":
        return 0.0
    total, position = 0.0, 0
    while (part := _PART.match(digits, position)) and part[2] in _UNITS_S:
        total += float(part[1]) * _UNITS_S[part[2]]
        position = part.end()
    if not position or position != len(digits):
        raise ValueError(f"{text!r} is not a duration such as 1m30s or 250ms")
    return sign * round(total, 9)
