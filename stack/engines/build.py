"""Makes what services run from: images on a container engine, environments on the local one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from stack.engines.container import images
from stack.engines.local import servers, written_files
from stack.environments import service_environment
from stack.errors import BuildFailed, CommandFailed
from stack.model import Service, Stack
from stack.plan import image_config, plain_images
from stack.plan.service_plan import has_command
from stack.system import programs


def build(stack: Stack, engine: str, *, no_cache: bool, say: Callable[[str], None]) -> None:
    """Make everything that the stack's services need on ``engine``.

    Raises:
        BuildFailed, LockMismatch, PythonMissing: with the service's own last lines.
    """
    stack = plain_images.with_builds(stack) if engine == "local" else stack
    for service in stack.services.values():
        if engine == "local":
            _local(service, no_cache=no_cache, say=say)
        elif service.build is not None:
            _image(engine, service, no_cache=no_cache, say=say)


def _local(service: Service, *, no_cache: bool, say: Callable[[str], None]) -> None:
    if not has_command(service):
        servers.runner(service.image or "")
        say(f"{service.name}: {service.image} has a runner")
        return
    with tempfile.TemporaryDirectory() as folder:
        image = written_files.lay_down(image_config.of_service(service, Path(folder)))
        service_environment.sync(service, image, recreate=no_cache, say=say)
    say(f"{service.name}: its environment is ready")


def _image(engine: str, service: Service, *, no_cache: bool, say: Callable[[str], None]) -> None:
    assert service.build is not None
    tag = images.tag(service.name, service.build)
    try:
        with tempfile.TemporaryDirectory() as folder:
            dockerfile = images.dockerfile_of(service.build, Path(folder))
            words = images.build_words(tag, service.build, dockerfile)
            argv = [engine, words[0], *(["--no-cache"] if no_cache else []), *words[1:]]
            programs.run(argv, timeout_s=programs.BUILD_LIMIT_S)
    except CommandFailed as error:
        raise BuildFailed(
            f"The image of {service.name} cannot be built: {error.output[-1500:]}",
            hint="If a base image cannot be pulled here, make it: `nox -s base-images`.",
        ) from error
    say(f"{service.name}: image {tag} is ready")
