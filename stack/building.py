"""Makes what services run from: images on a container engine, environments on the local one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stack import commands, environments, images
from stack.engines import docker
from stack.errors import BuildFailed, CommandFailed
from stack.model import Service, Stack


def build(stack: Stack, engine: str, *, no_cache: bool, say: Callable[[str], None]) -> None:
    """Make everything that the stack's services need on ``engine``.

    Raises:
        BuildFailed, LockMismatch, PythonMissing: with the service's own last lines.
    """
    for service in stack.services.values():
        if engine == "local":
            _local(service, no_cache=no_cache, say=say)
        elif service.build is not None:
            _image(engine, service, no_cache=no_cache, say=say)


def _local(service: Service, *, no_cache: bool, say: Callable[[str], None]) -> None:
    if service.build is None:
        images.runner(service.image or "")
        say(f"{service.name}: {service.image} has a runner")
        return
    made = environments.sync(service.build.context, python=service.local.python, anew=no_cache, say=say)
    say(f"{service.name}: environment {made.path.name} is ready")


def _image(engine: str, service: Service, *, no_cache: bool, say: Callable[[str], None]) -> None:
    assert service.build is not None
    tag = docker.image_of(service.name, service.build)
    words: list[str | Path] = [
        engine,
        "build",
        "--tag",
        tag,
        "--file",
        service.build.context / service.build.dockerfile,
    ]
    words += ["--no-cache"] if no_cache else []
    words += [word for key, value in service.build.args.items() for word in ("--build-arg", f"{key}={value}")]
    try:
        commands.run([*words, service.build.context])
    except CommandFailed as error:
        raise BuildFailed(
            f"The image of {service.name} cannot be built: {error.output.strip()[-1500:]}",
            hint="If a base image cannot be pulled here, make it: `nox -s base-images`.",
        ) from error
    say(f"{service.name}: image {tag} is ready")
