"""The containers, networks and volumes of a stack in a container engine, known by the label of their project.

Nothing is used or removed by its name alone: a network or a volume of the same name may belong to another
project.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stack.errors import CommandFailed, EngineUnavailable, NameTaken
from stack.system import programs
from stack.system.directories import home_id

LIST_LIMIT_S, REMOVAL_LIMIT_S = 30.0, 120.0
PROJECT_LABEL = "com.docker.compose.project"
IMAGE_LABEL = "ecommerce.stack.image"
"""Its value is the home whose stack the image was built for."""

HOME_LABEL = "ecommerce.stack.home"
"""A volume's; its value is the home of its stack."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of thing: how it is listed, where its labels are, how it is removed."""

    word: str
    listing: tuple[str, ...]
    names: str
    labels: str
    removal: tuple[str, ...]


KINDS: Final = (
    Kind(
        word="container",
        listing=("ps", "--all"),
        names="{{.Names}}",
        labels=".Config.Labels",
        removal=("rm", "--force", "--volumes"),
    ),
    Kind(
        word="network",
        listing=("network", "ls"),
        names="{{.Name}}",
        labels=".Labels",
        removal=("network", "rm"),
    ),
    Kind(
        word="volume",
        listing=("volume", "ls"),
        names="{{.Name}}",
        labels=".Labels",
        removal=("volume", "rm"),
    ),
)
"""In the order in which they can be removed."""


def container_of(stack: str, service: str) -> str:
    """Return the name that compose gives to the container of a service."""
    return f"{stack}-{service}-1"


def require_names_free(program: str, resolved: Mapping[str, Any]) -> None:
    """Look whether names of a resolved compose file are free or its own.

    Raises:
        NameTaken: a container, network or volume of that name belongs to another project.
    """
    for kind in KINDS:
        wanted = set(_names(kind, resolved))
        there = set(_lines(program, *kind.listing, "--format", kind.names))
        for name in sorted(wanted & there):
            owner = _owner(program, kind, name)
            if owner != resolved["name"]:
                raise _name_taken(program, kind, name, owner)


def remove(program: str, stack: str, *, volumes: bool) -> None:
    """Remove containers and networks of a stack, and its volumes where asked.

    Raises:
        EngineUnavailable: the engine does not answer; what it runs goes on.
    """
    if shutil.which(program) is None:
        return  # then there is no engine, either
    chosen = ("--filter", f"label={PROJECT_LABEL}={stack}")
    for kind in KINDS:
        if kind.word == "volume" and not volumes:
            continue
        if names := _lines_or_unavailable(program, stack, *kind.listing, "--format", kind.names, *chosen):
            programs.run([program, *kind.removal, *names], timeout_s=REMOVAL_LIMIT_S, check=False)


def remove_images(program: str) -> str:
    """Remove the images built for this home's stacks that no container uses; return what was reclaimed."""
    chosen = ("--filter", f"label={IMAGE_LABEL}={home_id()}")
    words = [program, "image", "prune", "--all", "--force", *chosen]
    pruned = programs.run(words, timeout_s=REMOVAL_LIMIT_S, check=False)
    lines = pruned.stdout.strip().splitlines()
    count = sum(line.startswith("untagged: ") for line in lines)
    if not count:
        return ""
    is_cached = lines[-1].endswith(" 0B")  # BuildKit has their layers still
    space = f"their layers stay in its build cache: `{program} builder prune`" if is_cached else lines[-1]
    return f"{count} images of {program} ({space})"


def stacks_with_volumes(program: str) -> list[str]:
    """Return the stacks of this home, up or not, that have volumes."""
    volume = KINDS[-1]
    chosen = ("--filter", f"label={HOME_LABEL}={home_id()}")
    names = _lines(program, *volume.listing, "--format", volume.names, *chosen)
    return sorted({_owner(program, volume, name) for name in names} - {""})


def _names(kind: Kind, resolved: Mapping[str, Any]) -> Iterator[str]:
    if kind.word == "container":
        yield from (container_of(resolved["name"], service) for service in resolved["services"])
    for value in (resolved.get(f"{kind.word}s") or {}).values():
        if not value.get("external"):
            yield value["name"]


def _owner(program: str, kind: Kind, name: str) -> str:
    template = f'{{{{index {kind.labels} "{PROJECT_LABEL}"}}}}'
    return "".join(_lines(program, kind.word, "inspect", "--format", template, name))


def _name_taken(program: str, kind: Kind, name: str, owner: str) -> NameTaken:
    maker = f"belongs to the compose project {owner}" if owner else "was not made by this project"
    return NameTaken(
        f"The {kind.word} {name} exists already and {maker}.",
        hint=f"If it is not needed: `{program} {' '.join((*kind.removal[:2], name))}`.",
    )


def _lines_or_unavailable(program: str, stack: str, *words: str) -> list[str]:
    try:
        return programs.run([program, *words], timeout_s=LIST_LIMIT_S).stdout.split()
    except CommandFailed as error:
        said = error.output.splitlines()[-1:] or [str(error)]
        raise EngineUnavailable(
            f"{program} does not answer, so what it runs of {stack} goes on ({said[0]}).",
            hint="Start it; the next command of any kind, `inv stacks` too, then removes what is left.",
        ) from error


def _lines(program: str, *words: str) -> list[str]:
    return programs.run([program, *words], timeout_s=LIST_LIMIT_S, check=False).stdout.split()
