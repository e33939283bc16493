"""Console blocks of a Markdown page: the lines that a person types, and what the page says they print.

A block begins with a line that has ``console`` after three backquotes. In it, ``$ `` begins a command; a
backslash at the end of a line, or an open here-document, continues it. The lines up to the next ``$ `` are
its output. ``^C`` as the last line of an output says that the command runs until Ctrl-C.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FENCE: Final = re.compile(
    r"^(?P<indent> *)```console\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
HERE_DOCUMENT: Final = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")
PROMPT: Final = "$ "
INTERRUPT: Final = "^C"


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line and its documented output; ``line`` is its number in the page."""

    text: str
    output: tuple[str, ...]
    line: int
    interrupted: bool = False

    @property
    def without_comment(self) -> str:
        """Return the command without the comment at the end of its line."""
        return re.sub(r"\s+# .*$", "", self.text)

    @property
    def needs_docker(self) -> bool:
        """Return whether it speaks with a Docker Engine."""
        return bool(re.search(r"(^|[|;&(]\s*)docker |--engine docker|nox -s (base-images|parity)", self.text))


@dataclass(frozen=True, kw_only=True)
class Block:
    """One console block; it is typed into a shell of its own."""

    page: str
    line: int
    commands: tuple[Command, ...]

    @property
    def needs_docker(self) -> bool:
        """Return whether one of its commands speaks with a Docker Engine."""
        return any(command.needs_docker for command in self.commands)


def blocks(page: str, text: str) -> tuple[Block, ...]:
    """Return the console blocks of a page, in order."""
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        width = len(match["indent"])
        lines = [each[width:] for each in match["body"].splitlines()]
        found.append(Block(page=page, line=line, commands=tuple(_commands(lines, line + 1))))
    return tuple(found)


def _commands(lines: list[str], first: int) -> list[Command]:
    """Split the lines of a block.

    Raises:
        ValueError: the block begins with output that belongs to no command.
    """
    commands: list[Command] = []
    position = 0
    while position < len(lines):
        start = position
        if not lines[position].startswith(PROMPT):
            raise ValueError(f"line {first + position} is output of no command: {lines[position]!r}")
        position = _end_of_command(lines, position)
        text = "\n".join([lines[start].removeprefix(PROMPT), *lines[start + 1 : position]])
        output_start = position
        while position < len(lines) and not lines[position].startswith(PROMPT):
            position += 1
        output = [line.rstrip() for line in lines[output_start:position]]
        while output and not output[-1]:
            output.pop()
        interrupted = output[-1:] == [INTERRUPT]
        commands.append(
            Command(
                text=text,
                output=tuple(output[:-1] if interrupted else output),
                line=first + start,
                interrupted=interrupted,
            )
        )
    return commands


def _end_of_command(lines: list[str], start: int) -> int:
    """Return the index after the last line of the command that begins at ``start``."""
    position = start
    while lines[position].endswith("\\"):
        position += 1
    here_document = HERE_DOCUMENT.search("\n".join(lines[start : position + 1]))
    if here_document:
        position = lines.index(here_document[1], position + 1)
    return position + 1
