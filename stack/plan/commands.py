"""What a service runs: a command, or a server whose image is known."""

from __future__ import annotations

from collections.abc import Mapping

from stack.errors import NotRunnable
from stack.model import Build, Service
from stack.plan import dockerfile, image_config, images


def server_image(service: Service) -> str:
    """Return the image of the server that a service runs, its own or its Dockerfile's base.

    It is empty where that is neither Postgres nor Redis.
    """
    if service.local.command is not None:
        return ""
    image = service.image or ""
    if service.build is not None:
        image = _base_image(service.build)
    return image if images.server_kind(image) else ""


def _base_image(build: Build) -> str:
    """The image that the last stage of a Dockerfile starts from, through earlier stages."""
    if not (build.context / build.dockerfile).is_file():
        return ""  # said where the image is built
    stages = dockerfile.read(build).stages
    names = {stage.name: stage.base for stage in stages if stage.name}
    base = stages[-1].base if stages else ""
    while base.lower() in names:
        base = names.pop(base.lower())
    return base


def command_of(service: Service) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Return the command and the image's environment: from x-local, else compose, else the Dockerfile.

    Raises:
        NotRunnable: there is none.
    """
    if service.local.command is not None:
        return service.local.command, {}
    if service.build is None or server_image(service):
        return (*(service.entrypoint or ()), *(service.command or ())), {}
    config = image_config.of_dockerfile(dockerfile.read(service.build))
    entrypoint = config.entrypoint if service.entrypoint is None else service.entrypoint
    default = config.command if service.entrypoint is None else ()
    argv = (*entrypoint, *(default if service.command is None else service.command))
    if not argv:
        raise NotRunnable(
            f"services.{service.name}: there is no command, in the compose file or in its Dockerfile.",
            hint="Give it an x-local command, or use a container engine (--engine docker).",
        )
    return argv, config.environment
