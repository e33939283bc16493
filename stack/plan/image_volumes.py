"""The volumes that an image itself has: ``VOLUME`` of a Dockerfile.

A container has a volume without a name at each such path where its service mounts nothing
(https://docs.docker.com/reference/dockerfile/#volume).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from stack.model import Mount, Service, Stack
from stack.plan import image_config
from stack.plan.service_plan import server_image


def with_volumes(stack: Stack, names: Collection[str]) -> Stack:
    """Return the stack with the volumes of the images of these services among their mounts.

    Raises:
        ComposeError: the Dockerfile is missing, or has not the stage that ``build.target`` names.
    """
    added = {name: _with_volumes(stack.services[name]) for name in names}
    return replace(stack, services={**stack.services, **added})


def _with_volumes(service: Service) -> Service:
    config = image_config.of_service(service)
    if server_image(service, config):  # it knows where its data is
        return service
    mounted = {mount.target.rstrip("/") for mount in service.mounts}
    paths = dict.fromkeys(path.rstrip("/") for path in config.volumes)
    volumes = (Mount(type="volume", target=path) for path in paths if path and path not in mounted)
    return replace(service, mounts=(*service.mounts, *volumes))
