"""What a service mounts: its ``volumes`` in long form, and its ``tmpfs``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from stack.compose import paths
from stack.compose.values import boolean
from stack.errors import ComposeError
from stack.model import Mount


def mounts_of(
    raw: Mapping[str, Any], volumes: Mapping[str, Any], directory: Path, where: str
) -> tuple[Mount, ...]:
    """Return the mounts of a service in long form.

    ``volumes`` are those that the files define, ``directory`` is the project's; ``where`` names files and
    service in errors.

    Raises:
        ComposeError: a mount cannot be read, or two have the same target.
    """
    mounts = [
        _mount(each, volumes, directory, f"{where}.volumes[{index}]")
        for index, each in enumerate(raw.get("volumes") or ())
    ]
    tmpfs = raw.get("tmpfs") or ()
    entries = [tmpfs] if isinstance(tmpfs, str) else tmpfs
    mounts += [_tmpfs(entry) for entry in entries]
    targets = [mount.target for mount in mounts]
    for target in targets:
        if targets.count(target) > 1:
            raise ComposeError(f"{where}: {target} is mounted twice")
    return tuple(mounts)


def _mount(raw: Mapping[str, Any], volumes: Mapping[str, Any], directory: Path, where: str) -> Mount:
    kind, source = raw["type"], raw.get("source")
    if kind not in ("bind", "volume", "tmpfs"):
        raise ComposeError(f"{where}: a mount of the type {kind} is not supported")
    if not raw.get("target"):
        raise ComposeError(f"{where}: the key target is missing")
    if kind == "bind" and not source:
        raise ComposeError(f"{where}: the key source is missing")
    volume = (volumes.get(str(source)) or {}) if kind == "volume" else {}
    folder = _folder_of_volume(volume, directory)
    return Mount(
        type="bind" if folder else kind,
        target=raw["target"],
        source=folder or source or None,
        read_only=boolean(raw.get("read_only", False)),
        subpath=_subpath(raw, where),
        limited=bool((raw.get("tmpfs") or {}).get("size")),
    )


def _tmpfs(entry: str) -> Mount:
    target, _, options = entry.partition(":")
    return Mount(type="tmpfs", target=target, limited="size=" in options)


def _subpath(raw: Mapping[str, Any], where: str) -> str:
    """Return the folder of a volume that is mounted, empty for all of it."""
    subpath = PurePosixPath((raw.get("volume") or {}).get("subpath") or "")
    if subpath.is_absolute() or ".." in subpath.parts:
        raise ComposeError(f"{where}.volume.subpath: {subpath} leads out of the volume")
    return str(subpath) if subpath.parts else ""


def _folder_of_volume(volume: Mapping[str, Any], directory: Path) -> str | None:
    """Return the folder that a volume of the driver ``local`` binds (``o: bind``), None of any other."""
    options = volume.get("driver_opts") or {}
    device, is_local = options.get("device"), volume.get("driver", "local") == "local"
    is_bind = is_local and "bind" in str(options.get("o", "")).split(",")
    return paths.absolute(device, directory) if is_bind and device else None
