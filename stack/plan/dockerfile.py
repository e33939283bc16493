"""A Dockerfile, parsed: its instructions, its stages, and the images that they start from.

Source of the rules: https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Final

from stack.errors import ComposeError
from stack.model import Build
from stack.plan.dockerfile_words import expand, split_words

_DIRECTIVE: Final = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*$")
_HEREDOC: Final = re.compile(r"(?<!<)<<(-?)(['\"]?)([A-Za-z_]\w*(?:[.-]\w+)*)\2")
_WITH_OPTIONS: Final = frozenset({"FROM", "RUN", "COPY", "ADD", "HEALTHCHECK"})
_WITH_HEREDOCS: Final = frozenset({"RUN", "COPY", "ADD"})


@dataclass(frozen=True, kw_only=True)
class Heredoc:
    """A here-document; in one whose name is quoted no variable is replaced."""

    name: str
    text: str
    is_quoted: bool = False


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One instruction; ``keyword`` is in upper case, ``options`` are its ``--key=value`` words."""

    keyword: str
    text: str
    options: Mapping[str, str] = field(default_factory=dict)
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One ``FROM`` and what follows it; ``base`` is an image or an earlier stage, variables replaced."""

    base: str
    name: str = ""
    instructions: tuple[Instruction, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dockerfile:
    """The stages in file order; ``label`` names the file in errors.

    ``arguments`` are the values of each ``ARG`` before the first ``FROM``, ``build_args`` those that the
    build gives. ``escape`` continues a line: a backslash, or what a directive says instead.
    """

    stages: tuple[Stage, ...]
    label: str = "Dockerfile"
    arguments: Mapping[str, str] = field(default_factory=dict)
    build_args: Mapping[str, str] = field(default_factory=dict)
    escape: str = "\\"

    def lineage(self, target: str | None = None) -> tuple[str, tuple[Stage, ...]]:
        """Return the image that a stage starts from, and the stages from the first to this one.

        ``target`` is a name or a number of a stage; default: the last.

        Raises:
            ComposeError: there is no such stage, or stages copy from each other in a circle.
        """
        self._require_no_circle()
        if not self.stages:
            raise ComposeError(f"{self.label}: the Dockerfile has no FROM.")
        stage = self.stages[-1] if target is None else self.find(target)
        if stage is None:
            names = ", ".join(each.name for each in self.stages if each.name) or "none has a name"
            raise ComposeError(
                f"{self.label}: there is no stage {target!r}.", hint=f"Stages: {names}. Check build.target."
            )
        chain = [stage]
        while base := self.find(chain[0].base, before=chain[0]):
            chain.insert(0, base)
        return chain[0].base, tuple(chain)

    def find(self, name: str, *, before: Stage | None = None) -> Stage | None:
        """Return the stage of a name or number, the last of its name; None where there is none."""
        end = len(self.stages) if before is None else self.number(before)
        earlier = self.stages[:end]
        if name.isdigit() and int(name) < len(earlier):
            return earlier[int(name)]
        return next((stage for stage in reversed(earlier) if stage.name and stage.name == name.lower()), None)

    def number(self, stage: Stage) -> int:
        """Return the number of a stage, which counts from 0."""
        return next(index for index, each in enumerate(self.stages) if each is stage)

    def images(self) -> tuple[str, ...]:
        """Return the images from elsewhere that ``FROM`` and ``COPY --from`` name, in file order."""
        images: dict[str, None] = {}
        names = {"scratch"}
        for stage in self.stages:
            for image in (stage.base, *self._copied_from(stage)):
                if image.lower() not in names and not image.isdigit():
                    images[image] = None
            names.add(stage.name)
        return tuple(images)

    def _require_no_circle(self) -> None:
        numbers = {number: self._sources(stage) for number, stage in enumerate(self.stages)}
        try:
            TopologicalSorter(numbers).prepare()
        except CycleError as error:
            circle = " -> ".join(self.stages[number].name or str(number) for number in error.args[1])
            raise ComposeError(
                f"{self.label}: its stages copy from each other in a circle: {circle}.",
                hint="Check the names after COPY --from.",
            ) from error

    def _sources(self, stage: Stage) -> set[int]:
        """The numbers of the stages that one starts and copies from."""
        found = (self.find(stage.base, before=stage), *map(self.find, self._copied_from(stage)))
        return {self.number(each) for each in found if each is not None}

    def _copied_from(self, stage: Stage) -> Iterator[str]:
        for instruction in stage.instructions:
            if instruction.keyword in {"COPY", "ADD"} and "from" in instruction.options:
                yield expand(instruction.options["from"], self.arguments, self.escape)


def read(build: Build) -> Dockerfile:
    """Return the Dockerfile of a build.

    Raises:
        ComposeError: there is no such file.
    """
    if build.dockerfile_text:
        return parse(build.dockerfile_text, build.args, label="build.dockerfile_inline")
    path = build.context / build.dockerfile
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ComposeError(
            f"{path}: the Dockerfile cannot be read ({error.strerror}).", hint="Check build.dockerfile."
        ) from error
    return parse(text, build.args, label=str(path))


def parse(text: str, build_args: Mapping[str, str], *, label: str = "Dockerfile") -> Dockerfile:
    """Return the stages of a Dockerfile's text; ``build_args`` replace the defaults of its ``ARG``s."""
    escape = _escape(text)
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for instruction in _instructions(text.splitlines(), escape):
        if instruction.keyword == "FROM":
            stages.append(_stage(instruction, arguments, escape))
        elif stages:
            last = stages[-1]
            stages[-1] = replace(last, instructions=(*last.instructions, instruction))
        elif instruction.keyword == "ARG":
            arguments |= argument_values(instruction, build_args, arguments, escape)
    return Dockerfile(
        stages=tuple(stages), label=label, arguments=arguments, build_args=build_args, escape=escape
    )


def argument_values(
    instruction: Instruction, given: Mapping[str, str], known: Mapping[str, str], escape: str
) -> dict[str, str]:
    """Return the values that an ``ARG`` gives: the build's own, else the default written there."""
    values: dict[str, str] = {}
    for word in split_words(instruction.text, escape):
        name, sign, default = word.partition("=")
        if name in given:
            values[name] = given[name]
        elif sign:
            values[name] = expand(default, {**known, **values}, escape)
    return values


def _stage(instruction: Instruction, arguments: Mapping[str, str], escape: str) -> Stage:
    words = split_words(instruction.text, escape)
    has_name = len(words) == 3 and words[1].upper() == "AS"
    base = expand(words[0], arguments, escape) if words else ""
    return Stage(base=base, name=words[2].lower() if has_name else "")


def _escape(text: str) -> str:
    """The escape character: ``# escape=`` among the parser directives, which stand before all else."""
    for line in text.splitlines():
        directive = _DIRECTIVE.fullmatch(line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"


def _instructions(lines: list[str], escape: str) -> Iterator[Instruction]:
    numbers = iter(range(len(lines)))
    continued = re.compile(rf"(?<!{re.escape(escape)}){re.escape(escape)}[ \t]*$")
    for number in numbers:
        line = lines[number].strip()
        if not line or line.startswith("#"):
            continue
        while continued.search(line):
            line = continued.sub("", line) + _next_line(lines, numbers)
        keyword, text = [*line.split(maxsplit=1), ""][:2]
        instruction = _instruction(keyword.upper(), text.strip())
        starts = _HEREDOC.finditer(text) if instruction.keyword in _WITH_HEREDOCS else ()
        yield replace(instruction, heredocs=tuple(_heredoc(start, lines, numbers) for start in starts))


def _next_line(lines: list[str], numbers: Iterator[int]) -> str:
    """The line that continues one: comments and empty lines between the two are left out."""
    following = (lines[number] for number in numbers)
    return next((line for line in following if line.strip() and not line.lstrip().startswith("#")), "")


def _instruction(keyword: str, text: str) -> Instruction:
    options: dict[str, str] = {}
    while keyword in _WITH_OPTIONS and text.startswith("--"):
        option, text = [*text.split(maxsplit=1), ""][:2]
        name, _, value = option[2:].partition("=")
        options[name] = value
    return Instruction(keyword=keyword, text=text, options=options)


def _heredoc(start: re.Match[str], lines: list[str], numbers: Iterator[int]) -> Heredoc:
    """The lines up to the one that says the here-document's name; ``<<-`` strips leading tabs."""
    body: list[str] = []
    for number in numbers:
        line = lines[number].lstrip("\t") if start[1] else lines[number]
        if line == start[3]:
            break
        body.append(line)
    text = "".join(f"{line}\n" for line in body)
    return Heredoc(name=start[3], text=text, is_quoted=bool(start[2]))
