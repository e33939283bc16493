"""Which base images the project needs: read from the compose files and Dockerfiles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stack import compose
from stack.errors import ComposeError
from stack.model import Build
from stack.system.directories import ROOT

COMPOSE_FILES = (
    ROOT / "compose" / "docker-compose.local.yml",
    ROOT / "compose" / "docker-compose.ci.yml",
)

CURL = "alpine/curl:latest"
"""The image in which the documented commands run the scripts of ``integration_tests/``; no file names it."""

_REFERENCE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")


def asked(files: Sequence[Path] = COMPOSE_FILES) -> tuple[str, ...]:
    """Return every tag that these stacks' images and builds start from, sorted, and the curl image.

    Raises:
        ComposeError: a compose file or a Dockerfile cannot be read.
    """
    tags = {CURL}
    for file in files:
        for service in compose.load(file, profiles=("*",)).services.values():
            if service.build is not None:
                tags.update(of_build(service.build))
            elif service.image is not None:
                tags.add(service.image)
    return tuple(sorted(tags))


def of_build(build: Build) -> tuple[str, ...]:
    """Return the images that a build's ``FROM`` and ``COPY --from`` fetch.

    Raises:
        ComposeError: there is no such Dockerfile.
    """
    path = build.context / build.dockerfile
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ComposeError(
            f"{path}: the Dockerfile cannot be read ({error.strerror}).", hint="Check build.dockerfile."
        ) from error
    return tuple(_fetched(text, build.args))


def _fetched(text: str, given: Mapping[str, str]) -> Iterator[str]:
    """Stages are no images; ``ARG``s before the first ``FROM`` may name them.

    https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact
    """
    arguments: dict[str, str] = {}
    stages = {"scratch"}
    for word, rest in _instructions(text):
        options, words = _split_options(rest)
        if word == "ARG" and words:
            name, _, default = words[0].partition("=")
            arguments[name] = given.get(name, default)
        elif word == "FROM" and words:
            yield from _image(words[0], arguments, stages)
            if len(words) == 3 and words[1].upper() == "AS":
                stages.add(words[2].lower())
        elif word in {"COPY", "ADD"} and "from" in options and not options["from"].isdigit():
            yield from _image(options["from"], arguments, stages)


def _image(name: str, arguments: Mapping[str, str], stages: set[str]) -> Iterator[str]:
    image = _REFERENCE.sub(
        lambda found: arguments.get(found[1] or found[3], "") or (found[2] or ""), name.strip("\"'")
    )
    if image.lower() not in stages:
        yield image


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        yield word.upper(), rest


def _split_options(rest: str) -> tuple[dict[str, str], list[str]]:
    words = rest.split()
    options = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
    return options, [word for word in words if not word.startswith("--")]
