"""A service as a process of this machine: its command, environment and working directory."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from stack.model import Service
from stack.plan import copied_files
from stack.plan.addresses import (
    LOOPBACK,
    Addresses,
    rewrite_environment,
    rewrite_names,
    rewrite_paths,
    rewrite_value_paths,
)
from stack.plan.image_config import ImageConfig
from stack.plan.images import server_kind
from stack.plan.service_plan import Problem, ServicePlan, server_image

_IMAGE_VARIABLES: Final = frozenset(
    (
        "PATH",
        "HOME",
        "VIRTUAL_ENV",
        "UV_PROJECT_ENVIRONMENT",
        "PYTHONHOME",
        "PYTHONDONTWRITEBYTECODE",
        "LD_LIBRARY_PATH",
        "NODE_PATH",
    )
)
"""Variables that describe the image. Code is compiled when an image is built; a local process compiles it
at its first run and keeps it."""

_PROGRAM_FOLDERS: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where an image looks for a program that is called by its name."""

_STARTERS: Final = frozenset(("tini", "tini-static", "dumb-init", "gosu", "su-exec"))
"""Programs that start another one; an image has them in a folder of the system, or at ``/tini``."""

_IMAGE_FOLDERS: Final = ("/usr/", "/opt/", "/root", "/home/", "/var/", "/venv", "/tmp")
"""A value below one of these is a path of the image, unless a mount or a copy puts a folder there."""


def plan_local_service(
    service: Service,
    image: ImageConfig,
    *,
    ports: Mapping[int, int],
    addresses: Addresses | None,
    mounts: Mapping[str, str],
    project: Path,
) -> ServicePlan:
    """Return the plan of a service on the local engine; a ``problem`` where there is no command.

    ``project`` is the folder of the compose file.
    ``addresses`` are those of services that share the network of this machine. It is None where each has
    a network of its own: there names and ports are those of a container, and nothing is rewritten.
    """
    copies = _copies(image, mounts)
    folders = {**(copies if addresses is not None else _without_shown(copies, image)), **mounts}

    def rewrite(text: str, own: str | None = None) -> str:
        return rewrite_paths(rewrite_names(text, addresses or {}, own=own), folders)

    argv = _argv(service, image, copies)
    values = _environment(service, image, folders)
    if addresses is None:
        values = {**_own_address(service, image, ports), **values}
    else:
        values = {**rewrite_environment(values, addresses), **_shared_address(ports)}
    check = service.healthcheck.test if service.healthcheck is not None else ()
    test = tuple(rewrite(part, service.name) for part in check)
    return ServicePlan(
        service=service,
        argv=tuple(rewrite(part, service.name) for part in argv),
        environment={key: rewrite_value_paths(key, text, folders) for key, text in values.items()},
        ports=ports,
        cwd=_working_dir(service, image, folders, project),
        healthcheck=test,
        executed=test,
        folders=mounts,
        image=image,
        problem=_problem(service, image, argv),
        network="own" if addresses is None else "shared",
        server_image=server_image(service, image),
    )


def _environment(service: Service, image: ImageConfig, folders: Mapping[str, str]) -> dict[str, str]:
    return {**_image_environment(image, folders), **service.environment, **service.local.environment}


def _own_address(service: Service, image: ImageConfig, ports: Mapping[int, int]) -> dict[str, str]:
    """Where a service with a network of its own is to listen, unless its variables say otherwise."""
    targets = [*(port.target for port in service.ports), *service.expose, *image.ports, *ports]
    return {"HOST": "0.0.0.0"} | ({"PORT": str(targets[0])} if targets else {})


def _shared_address(ports: Mapping[int, int]) -> dict[str, str]:
    """Where a service is to listen that shares this machine's network."""
    return {"HOST": LOOPBACK} | ({"PORT": str(next(iter(ports.values())))} if ports else {})


def _copies(image: ImageConfig, mounts: Mapping[str, str]) -> dict[str, str]:
    """What is copied into the image, without what a mount hides."""
    hidden = tuple(f"{target.rstrip('/')}/" for target in mounts)
    return {path: str(file) for path, file in image.files.items() if not f"{path}/".startswith(hidden)}


def _without_shown(copies: Mapping[str, str], image: ImageConfig) -> dict[str, str]:
    """Leave out what is written into a copied folder: with mounts of its own a service finds it there."""
    return {
        path: file
        for path, file in copies.items()
        if file not in image.texts or not set(map(str, PurePosixPath(path).parents)) & set(copies)
    }


def _image_environment(image: ImageConfig, folders: Mapping[str, str]) -> dict[str, str]:
    """The image's variables that mean the same outside it."""
    return {
        name: value
        for name, value in image.environment.items()
        if name not in _IMAGE_VARIABLES
        and "site-packages" not in value
        and (not value.startswith(_IMAGE_FOLDERS) or rewrite_paths(value, folders) != value)
    }


def _argv(service: Service, image: ImageConfig, copies: Mapping[str, str]) -> tuple[str, ...]:
    """The command: from x-local, else the compose file over the Dockerfile."""
    if service.local.command is not None:
        return service.local.command
    entrypoint = service.entrypoint
    if entrypoint is None:
        entrypoint, default = image.entrypoint or (), image.command or ()
    else:
        default = ()
    argv = (*entrypoint, *(default if service.command is None else service.command))
    if not argv or service.build is None:
        return argv
    return (_program(argv[0], service.working_dir or image.working_dir, copies), *argv[1:])


def _program(path: str, working_dir: str, copies: Mapping[str, str]) -> str:
    """``/usr/local/bin/gunicorn`` and ``/venv/bin/python`` of an image are programs by their name here.

    What was copied into a folder of programs, or is written in place, is that file.
    """
    places = [working_dir] if "/" in path else _PROGRAM_FOLDERS
    for place in (posixpath.normpath(posixpath.join(place, path)) for place in places):
        if place in copies:
            return copies[place]
    folder, name = posixpath.split(path)
    is_of_image = folder.endswith("/bin") and folder not in ("/bin", "/usr/bin")
    is_starter = folder.startswith("/") and name in _STARTERS
    return name if (is_of_image or is_starter) and name else path


def _working_dir(service: Service, image: ImageConfig, folders: Mapping[str, str], project: Path) -> Path:
    if service.local.working_dir is not None:
        return service.local.working_dir
    path = posixpath.normpath(service.working_dir or image.working_dir)
    if (mounted := rewrite_paths(path, folders)) != path and Path(mounted).is_dir():
        return Path(mounted)
    copied = copied_files.host_path(path, image.files)
    if copied is not None and copied.is_dir():
        return copied
    if service.build is not None:
        return service.build.context
    return Path("/") if service.local.command is None else project  # that command is one of this machine


def _problem(service: Service, image: ImageConfig, argv: tuple[str, ...]) -> Problem | None:
    name = f"services.{service.name}"
    if service.joins and service.ports:
        return Problem(
            sentence=f"{name}: it has ports, but no network of its own: it is in that of {service.joins}.",
            way_out=f"Move its `ports` to {service.joins}.",
        )
    if service.build is None or service.local.command is not None:
        return None
    if service.build.url:
        return Problem(
            sentence=f"{name}: its build context is {service.build.url}; "
            "only a container engine fetches a context from elsewhere.",
            way_out=_hint(("PROGRAM", "ARGUMENT")),
        )
    if argv or server_kind(image.base):
        return None
    return Problem(
        sentence=f"{name}: its command is that of its base image {image.base}, "
        "which cannot be known without a container engine.",
        way_out=_hint(("PROGRAM", "ARGUMENT")),
    )


def _hint(command: tuple[str, ...]) -> str:
    return f"Add `x-local: {{command: {json.dumps(list(command))}}}` to it, or use --engine docker."
