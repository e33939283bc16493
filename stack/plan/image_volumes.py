"""The folders that an image itself has for what a service writes: ``VOLUME`` and ``RUN mkdir``.

A container has a volume without a name at each ``VOLUME`` where its service mounts nothing
(https://docs.docker.com/reference/dockerfile/#volume); the local engine has one for other such folders, too.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from stack.model import Mount, Service, Stack
from stack.plan import image_config
from stack.plan.service_plan import ImageConfig, server_image

OF_SYSTEM: Final = frozenset(
    ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "sbin", "sys", "tmp", "usr")
)
"""Below these a Dockerfile makes folders for programs, not for what a service writes."""

_SEPARATOR: Final = re.compile(r"&&|\|\||[;\n]")
_PLAIN: Final = re.compile(r"/[\w./@+-]*")


def with_volumes(stack: Stack, names: Collection[str]) -> Stack:
    """Return the stack with the folders of the images of these services among their mounts.

    Raises:
        ComposeError: the Dockerfile is missing, or has not the stage that ``build.target`` names.
    """
    added = {name: _with_volumes(stack.services[name]) for name in names}
    return replace(stack, services={**stack.services, **added})


def _with_volumes(service: Service) -> Service:
    config = image_config.of_service(service)
    if server_image(service, config):  # it knows where its data is
        return service
    mounted = {PurePosixPath(mount.target) for mount in service.mounts}
    copied = set(map(PurePosixPath, config.files))
    volumes = [path for path in map(PurePosixPath, config.volumes) if path not in mounted]
    folders = [path for path in _made_folders(config) if not {path, *path.parents} & (mounted | copied)]
    # What is copied to a path, or below it, is there, and can be written to.
    paths = [each for each in (*volumes, *folders) if not any(file.is_relative_to(each) for file in copied)]
    return replace(service, mounts=(*service.mounts, *map(_volume, _outermost(paths, of=set(volumes)))))


def _volume(path: PurePosixPath) -> Mount:
    return Mount(type="volume", target=str(path))


def _outermost(paths: Collection[PurePosixPath], *, of: Collection[PurePosixPath]) -> list[PurePosixPath]:
    """Return the paths without those below another one, except ``of``."""
    return [each for each in dict.fromkeys(paths) if each in of or not set(each.parents) & set(paths)]


def _made_folders(config: ImageConfig) -> Iterator[PurePosixPath]:
    """Yield the folders that ``RUN mkdir`` makes, this machine does not have, and a service may write to."""
    for command in config.build_commands:
        for part in _SEPARATOR.split(command.text):
            for word in _folders_of(part):
                path = posixpath.normpath(posixpath.join(command.working_dir, word))
                top = path.split("/")[1]
                if _PLAIN.fullmatch(path) and top not in OF_SYSTEM and not Path(path).exists():
                    yield PurePosixPath(path)


def _folders_of(command: str) -> list[str]:
    """Return the folders of a mkdir(1) command, none of another one."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return []
    if words[:1] != ["mkdir"]:
        return []
    pairs = itertools.pairwise(words)
    return [word for before, word in pairs if not word.startswith("-") and before not in {"-m", "--mode"}]
