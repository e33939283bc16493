"""The keys of a compose service that the local engine does not enforce: a process is not a container.

Every key of the specification is a field of ``stack.model.Service``, a row here, or without meaning
where there is no container (``MEANINGLESS``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Final

from stack.model import Service

MEANINGLESS: Final = frozenset(
    (
        *("annotations", "attach", "credential_spec", "deploy", "develop", "init", "isolation", "label_file"),
        *("labels", "logging", "platform", "pull_policy", "pull_refresh_after", "runtime", "storage_opt"),
        *("use_api_socket",),
    )
)
"""Keys that describe an image or a container, and say nothing about a process.

``deploy`` is read for its replicas and limits.
"""


@dataclass(frozen=True, kw_only=True)
class UnenforcedKey:
    """A key as people write it, and what is true on the local engine instead."""

    key: str
    instead: str
    is_used: Callable[[Service], bool]


def _field(key: str, instead: str, is_used: Callable[[Service], bool]) -> UnenforcedKey:
    return UnenforcedKey(key=key, instead=instead, is_used=is_used)


def _others(keys: str, instead: str) -> tuple[UnenforcedKey, ...]:
    """Rows for keys that have no field of their own in the model."""
    return tuple(_field(key, instead, partial(_names_key, key)) for key in keys.split())


def _names_key(key: str, service: Service) -> bool:
    return key in service.other_keys


def _is_mounted(service: Service, folder: str) -> bool:
    path = PurePosixPath(folder)
    return any(path.is_relative_to(mount.target) for mount in service.mounts)


_LIMITED: Final = "Held by a control group where root starts the stack on Linux; elsewhere without effect."
_LIMITS: Final = "Set by prlimit(1) on Linux; an ordinary user can only lower its own limits."
_MOUNTED: Final = (
    "Held by mounts of its own where a service has a network of its own; else it sees this machine's files."
)
_SHARED: Final = "A process shares the resources of the machine."
_RIGHTS: Final = "A process has the rights of the user who starts the stack, in root's place of `nobody`."
_NETWORK: Final = "A process uses the network that the stack gives it, else the machine's."

UNENFORCED: Final[tuple[UnenforcedKey, ...]] = (
    _field("mem_limit", _LIMITED, lambda service: service.limits.memory_bytes is not None),
    _field("pids_limit", _LIMITED, lambda service: service.limits.processes is not None),
    _field("cpus", _LIMITED, lambda service: service.limits.cpus is not None),
    _field("ulimits", _LIMITS, lambda service: bool(service.limits.ulimits)),
    *_others("blkio_config cgroup cgroup_parent cpu_count cpu_percent cpu_period cpu_quota", _SHARED),
    *_others("cpu_rt_period cpu_rt_runtime cpu_shares cpuset mem_reservation mem_swappiness", _SHARED),
    *_others("memswap_limit oom_kill_disable oom_score_adj shm_size", _SHARED),
    _field("read_only", _MOUNTED, lambda service: service.read_only),
    _field(
        "volumes: read_only",
        _MOUNTED,
        lambda service: any(mount.read_only for mount in service.mounts),
    ),
    _field(
        "tmpfs: size",
        "A tmpfs takes as much memory as is written to it.",
        lambda service: any(mount.limited for mount in service.mounts),
    ),
    _field(
        "working_dir",
        "A process starts in the build context where the folder is not below a mount.",
        lambda service: service.working_dir is not None and not _is_mounted(service, service.working_dir),
    ),
    _field("user", _RIGHTS, lambda service: service.user is not None),
    *_others("cap_add cap_drop device_cgroup_rules devices gpus group_add privileged", _RIGHTS),
    *_others("security_opt sysctls userns_mode", _RIGHTS),
    _field(
        "ports: host_ip",
        "Ports are published on 127.0.0.1 only.",
        lambda service: any(not ip_address(port.host_ip).is_loopback for port in service.ports),
    ),
    _field(
        "ports: udp, sctp",
        "Only TCP ports are published.",
        lambda service: any(port.protocol != "tcp" for port in service.ports),
    ),
    _field(
        "ports: several for one of the container",
        "Where services share the network of the machine, the last of them is published.",
        lambda service: len({(port.target, port.protocol) for port in service.ports}) < len(service.ports),
    ),
    *_others("dns dns_opt dns_search domainname ipc mac_address pid uts", _NETWORK),
    _field(
        "network_mode: host, bridge, container",
        _NETWORK,
        lambda service: service.network_mode not in {"", "none"} and not service.joins,
    ),
    _field(
        "network_mode: service, none",
        "Where services share the network of the machine, this one does, too; `localhost` is that of all.",
        lambda service: service.network_mode == "none" or bool(service.joins),
    ),
    _field(
        "networks",
        "Services of different networks can reach each other.",
        lambda service: len(service.networks) > 1,
    ),
    _field(
        "volumes, networks: external",
        "What exists outside of the stack is not reached: the stack has an empty one of its own.",
        lambda service: bool(service.external),
    ),
    _field(
        "hostname, container_name, aliases",
        "Where services share the network of the machine, a service is reached by its own name only.",
        lambda service: bool(service.hostnames),
    ),
    _field(
        "networks: ipv4_address",
        "Where services share the network of the machine, all have its addresses.",
        lambda service: bool(service.addresses),
    ),
    _field(
        "extra_hosts",
        "Where services share the network of the machine, names are resolved as everywhere on it.",
        lambda service: bool(service.extra_hosts),
    ),
    *_others("external_links", "Containers of other projects are not reached."),
    _field("scale, replicas", "A service has one process.", lambda service: service.replicas > 1),
    *_others("post_start pre_start pre_stop", "Hooks are not run."),
    *_others("models provider", "Models and providers are not started."),
    *_others("volumes_from", "Mounts of other services are not shared."),
)


WITH_NETWORKS: Final = frozenset(
    {
        *("hostname, container_name, aliases", "extra_hosts", "network_mode: service, none"),
        *("networks: ipv4_address", "ports: several for one of the container"),
        *("read_only", "volumes: read_only"),
    }
)
"""Keys that are done where each service has a network and mounts of its own."""


def unenforced_keys(
    services: Mapping[str, Service], *, enforced: Collection[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Return the unenforced keys in use, each with its services; without those that are ``enforced``."""
    used = {
        row.key: tuple(name for name, service in services.items() if row.is_used(service))
        for row in UNENFORCED
        if row.key not in enforced
    }
    return {key: names for key, names in used.items() if names}


def sentence(services: Mapping[str, Service], *, enforced: Collection[str] = ()) -> str:
    """Return what a person is told when a stack starts on the local engine; empty where there is nothing."""
    used = unenforced_keys(services, enforced=enforced)
    if not used:
        return ""
    keys = "; ".join(f"{key} ({_names(names, services)})" for key, names in used.items())
    return f"Without containers, these keys have no effect: {keys}. See docs/engines.md."


def _names(names: tuple[str, ...], services: Mapping[str, Service]) -> str:
    return "all services" if len(names) == len(services) > 1 else ", ".join(names)


def table() -> str:
    """Return the table of docs/engines.md."""
    groups: dict[str, list[str]] = {}
    for row in UNENFORCED:
        groups.setdefault(row.instead, []).append(row.key)
    rows = [f"| {', '.join(f'`{key}`' for key in keys)} | {instead} |" for instead, keys in groups.items()]
    return "\n".join(("| key | on the local engine |", "| --- | --- |", *rows)) + "\n"
