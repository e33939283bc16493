"""What a container engine's own words mean: the errors of which a person knows the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stack.errors import (
    BuildFailed,
    CommandFailed,
    DiskFull,
    ImageMissing,
    NotRunnable,
    PortTaken,
    StackError,
)

NO_IMAGE = (
    "pull access denied",
    "failed to resolve source metadata",
    "failed to resolve reference",
    '/v2/":',
    "manifest unknown",
    "manifest for",
)

NO_ROOM = "no space left on device"
NO_INIT = "container-init binary not found"
NO_PROGRAM = ("executable file not found", "no such file or directory: unknown")
PROGRESS = re.compile(r"\s*(Container|Network|Volume|Image) \S+ +\w+$")
SOURCE = re.compile(r"initializing source docker://(\S+): ")
"""Where Podman's build names the image that it lacks."""

PORT_HELD = ("port is already allocated", "address already in use")


def explain(
    error: CommandFailed, *, building: Sequence[str] = (), service: str = "", missing: Sequence[str] = ()
) -> StackError:
    """Return the error that a failed command of an engine means.

    ``building`` are the services whose images were being made, ``service`` the one that was started,
    ``missing`` the images that are not here.
    """
    text = error.output.lower()
    if NO_ROOM in text:
        return DiskFull(
            f"No room is left where {error.argv[0]} keeps its data: {_line_with(error.output, NO_ROOM)}",
            hint=f"See what takes it: `{error.argv[0]} system df`.",
        )
    if any(words in text for words in NO_IMAGE):
        return _image_missing(error, missing or tuple(dict.fromkeys(SOURCE.findall(error.output))))
    if building:
        return BuildFailed(
            f"The image of {', '.join(building)} cannot be built:\n{last_lines(error.output)}",
            hint="The lines above are the build's own.",
        )
    return _start_error(error, text, service)


def _image_missing(error: CommandFailed, missing: Sequence[str]) -> StackError:
    ways = "the base images can be made from packages: `nox -s base-images`."
    if any("podman" in word for word in error.argv):
        one = missing[0] if missing else "IMAGE"
        ways = f"Podman is handed what Docker has: `docker save {one} | podman load`."
    return ImageMissing(
        f"What is not here cannot be pulled: {', '.join(missing) or 'an image'}. "
        f"{_line_with(error.output, *NO_IMAGE)}",
        hint=f"Check its name; {ways}",
    )


def _start_error(error: CommandFailed, text: str, service: str) -> StackError:
    if NO_INIT in text:
        return NotRunnable(
            f"Podman lacks the program behind `init: true`: {_line_with(error.output, NO_INIT)}",
            hint="Install the package catatonit.",
        )
    if any(words in text for words in NO_PROGRAM):
        return NotRunnable(
            f"services.{service}: its image has no such program: {_line_with(error.output, *NO_PROGRAM)}",
            hint="Check its command.",
        )
    if any(words in text for words in PORT_HELD):
        return PortTaken(
            f"A port of {service} was taken meanwhile: {_line_with(error.output, *PORT_HELD)}",
            hint="End that program, or start again: another port is chosen.",
        )
    telling = [line for line in error.output.splitlines() if line.strip() and not PROGRESS.match(line)]
    return CommandFailed(
        error.argv,
        error.problem,
        returncode=error.returncode,
        timed_out=error.timed_out,
        stderr="\n".join(telling),
    )


def last_lines(output: str, count: int = 8) -> str:
    """Return the last lines of an output that are more than warnings."""
    lines = [line for line in output.strip().splitlines() if not line.startswith("WARNING")]
    return "\n".join(lines[-count:])


def _line_with(output: str, *words: str) -> str:
    """The last line that has one of the words."""
    lines = [line.strip() for line in output.splitlines() if any(w in line.lower() for w in words)]
    return lines[-1] if lines else last_lines(output, 1)
