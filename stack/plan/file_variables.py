"""Variables that the official images also take from a file: ``POSTGRES_PASSWORD_FILE`` and the like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stack.errors import ComposeError
from stack.model import Service
from stack.plan.addresses import rewrite_paths
from stack.plan.service_plan import ServicePlan


def read(plan: ServicePlan, name: str) -> str:
    """Return a variable, or what the file of its ``_FILE`` holds; empty where that is not known."""
    try:
        return require(plan.service, name, plan.folders)
    except ComposeError:
        return plan.service.environment.get(name) or ""


def require(service: Service, name: str, folders: Mapping[str, str]) -> str:
    """Return a variable, or what the file of its ``_FILE`` holds; empty where there is neither.

    The file is a secret or a config of the service, or lies in a folder of this machine that is mounted or
    that stands for one of the container: ``folders``, container path -> path here.

    Raises:
        ComposeError: the variable is given twice, or the file cannot be read.
    """
    value, file = service.environment.get(name), service.environment.get(f"{name}_FILE")
    if value and file:
        raise ComposeError(f"services.{service.name}.environment: both {name} and {name}_FILE are set.")
    if not file:
        return value or ""
    grant = next((grant for grant in service.files if grant.target == file), None)
    if grant is not None and grant.content is not None:
        return grant.content.rstrip("\n")
    path = grant.file if grant is not None and grant.file else _path_here(service, file, folders)
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise ComposeError(
            f"services.{service.name}.environment: {name}_FILE cannot be read ({error.strerror}: {path})."
        ) from error


def _path_here(service: Service, file: str, folders: Mapping[str, str]) -> Path:
    mounts = {mount.target: mount.source for mount in service.mounts if mount.type == "bind" and mount.source}
    return Path(rewrite_paths(file, {**mounts, **folders}))
