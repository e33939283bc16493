"""The configuration of the image that a Dockerfile makes, read without building it.

The names are those of an image's configuration
(https://github.com/opencontainers/image-spec/blob/main/config.md), the rules those of
https://docs.docker.com/reference/dockerfile/.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from stack.errors import ComposeError
from stack.model import Build, Service
from stack.plan import copied_files, dockerfile, dockerfile_check, executable_files
from stack.plan.dockerfile import Dockerfile, Heredoc, Instruction
from stack.plan.dockerfile_words import exec_form, expand, expand_known, split_words
from stack.plan.service_plan import BuildCommand as BuildCommand
from stack.plan.service_plan import ImageConfig as ImageConfig


def of_build(build: Build, scratch: Path | None = None) -> ImageConfig:
    """Return the configuration of the image of a build; ``scratch`` is for what its Dockerfile writes.

    Raises:
        ComposeError: the Dockerfile is missing, or has not the stage that ``build.target`` names.
    """
    return of_stage(dockerfile.read(build), build.target, build.context, scratch)


def of_service(service: Service, scratch: Path | None = None) -> ImageConfig:
    """Return the configuration of a service's image, as far as a Dockerfile of this machine says it.

    Raises:
        ComposeError: see ``of_build``; not where ``x-local`` says what runs.
    """
    build = service.build
    if build is None or build.url:
        return ImageConfig()
    has_file = build.dockerfile_text or (build.context / build.dockerfile).is_file()
    if service.local.command is not None and not has_file:
        return ImageConfig()
    return of_build(build, scratch)


def of_services(services: Mapping[str, Service], scratch: Path | None = None) -> dict[str, ImageConfig]:
    """Return the configuration of each service's image, as far as a Dockerfile of this machine says it.

    ``scratch`` holds a folder for each service, in which what its Dockerfile writes has a place; without it
    that is left out.
    """
    folders = {name: scratch / name / "image" if scratch is not None else None for name in services}
    return {name: of_service(service, folders[name]) for name, service in services.items()}


def of_stage(
    parsed: Dockerfile, target: str | None, context: Path, scratch: Path | None = None
) -> ImageConfig:
    """Return the configuration of the image that a stage makes; see ``Dockerfile.lineage``."""
    base, stages = parsed.lineage(target)
    config = ImageConfig(base=base)
    for stage in stages:
        folder = scratch / str(parsed.number(stage)) if scratch is not None else None
        reader = _StageReader(parsed=parsed, context=context, config=config, scratch=scratch, folder=folder)
        for instruction in stage.instructions:
            reader.apply(instruction)
        config = reader.config
    return config


@dataclass(kw_only=True)
class _StageReader:
    """Applies the instructions of one stage to the configuration of the image before it."""

    parsed: Dockerfile
    context: Path
    config: ImageConfig
    scratch: Path | None
    folder: Path | None
    arguments: dict[str, str] = field(default_factory=dict)
    executable_elsewhere: set[Path] = field(default_factory=set)
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    has_command: bool = False

    def apply(self, instruction: Instruction) -> None:
        """Apply one instruction; one that says nothing of the configuration has no effect."""
        if (method := _METHODS.get(instruction.keyword)) is not None:
            method(self, instruction)

    def _arg(self, instruction: Instruction) -> None:
        parsed = self.parsed
        for name in split_words(instruction.text, parsed.escape):
            if "=" not in name and name in parsed.arguments:  # redeclares one from before the first FROM
                self.arguments[name] = parsed.arguments[name]
        self.arguments |= dockerfile.argument_values(
            instruction, parsed.build_args, self._variables, parsed.escape
        )

    def _env(self, instruction: Instruction) -> None:
        words = split_words(instruction.text, self.parsed.escape)
        is_old_form = bool(words) and "=" not in words[0]
        pairs = [instruction.text.partition(" ")] if is_old_form else [word.partition("=") for word in words]
        values = {name: self._expand(value.strip()) for name, _, value in pairs}
        self.config = replace(self.config, environment={**self.config.environment, **values})

    def _workdir(self, instruction: Instruction) -> None:
        folder = posixpath.normpath(posixpath.join(self.config.working_dir, self._expand(instruction.text)))
        self.config = replace(self.config, working_dir=folder)

    def _user(self, instruction: Instruction) -> None:
        self.config = replace(self.config, user=self._expand(instruction.text))

    def _stopsignal(self, instruction: Instruction) -> None:
        self.config = replace(self.config, stop_signal=self._expand(instruction.text))

    def _expose(self, instruction: Instruction) -> None:
        words = (self._expand(word).partition("/")[0] for word in split_words(instruction.text))
        ports = tuple(int(word) for word in words if word.isdigit())
        self.config = replace(self.config, ports=(*self.config.ports, *ports))

    def _volume(self, instruction: Instruction) -> None:
        words = exec_form(instruction.text) or split_words(instruction.text, self.parsed.escape)
        self.config = replace(self.config, volumes=(*self.config.volumes, *map(self._expand, words)))

    def _shell(self, instruction: Instruction) -> None:
        self.shell = self._argv(instruction.text)

    def _entrypoint(self, instruction: Instruction) -> None:
        """A CMD of an earlier image is reset, one of the same stage is not."""
        command = self.config.command if self.has_command else ()
        self.config = replace(self.config, entrypoint=self._argv(instruction.text), command=command)

    def _cmd(self, instruction: Instruction) -> None:
        self.has_command = True
        self.config = replace(self.config, command=self._argv(instruction.text))

    def _healthcheck(self, instruction: Instruction) -> None:
        try:
            check = dockerfile_check.read(instruction, self._expand)
        except ValueError as error:
            raise ComposeError(f"{self.parsed.label}: HEALTHCHECK: {error}.") from None
        self.config = replace(self.config, healthcheck=check)

    def _run(self, instruction: Instruction) -> None:
        text = "\n".join((instruction.text, *(each.text for each in instruction.heredocs)))
        known = expand_known(text, self._variables)
        command = BuildCommand(text=known, working_dir=self.config.working_dir)
        made = executable_files.made_executable(known, self.config.working_dir)
        self.config = replace(
            self.config,
            build_commands=(*self.config.build_commands, command),
            executable=(*self.config.executable, *made),
        )

    def _copy(self, instruction: Instruction) -> None:
        words = exec_form(instruction.text) or split_words(instruction.text, self.parsed.escape)
        if len(words) < 2:
            problem = f"{instruction.keyword} needs a source and a destination"
            raise ComposeError(f"{self.parsed.label}: {problem}.")
        *sources, destination = (self._expand(word) for word in words)
        source = self._source(instruction)
        if source is not None:
            names = [each for each in sources if not each.startswith("<<")]
            written = self._written(instruction.heredocs, destination, len(sources))
            files = copied_files.copied(source, names, destination, self._folders())
            files |= {path: file for path, (file, _) in written.items()}
            is_made = executable_files.adds_execution(instruction.options.get("chmod", ""))
            made = files if is_made else executable_files.carried(files, self.executable_elsewhere)
            self.config = replace(
                self.config,
                files={**copied_files.not_replaced(self.config.files, files), **files},
                texts={**self.config.texts, **{str(file): text for file, text in written.values()}},
                executable=(*self.config.executable, *made),
            )

    def _written(
        self, heredocs: Iterable[Heredoc], destination: str, number: int
    ) -> dict[str, tuple[Path, str]]:
        """Path in the image -> the file that stands for it here, and its text."""
        if self.folder is None:
            return {}
        target, is_folder = copied_files.target_of(destination, self._folders(), number=number)
        paths = {each: posixpath.join(target, each.name) if is_folder else target for each in heredocs}
        return {path: (self.folder / path.lstrip("/"), self._text(each)) for each, path in paths.items()}

    def _text(self, heredoc: Heredoc) -> str:
        if heredoc.is_quoted:
            return heredoc.text
        return expand(heredoc.text, self._variables, self.parsed.escape, keeps_quotes=True)

    def _source(self, instruction: Instruction) -> copied_files.Source | None:
        """What files are copied from: the build context or another stage; None for an image."""
        name = self._expand(instruction.options.get("from", ""))
        if not name:
            return copied_files.context_source(self.context)
        if self.parsed.find(name) is None:
            return None
        stage = of_stage(self.parsed, name, self.context, self.scratch)
        commands = (*stage.copied_build_commands, *stage.build_commands)
        known = self.config.copied_build_commands
        self.config = replace(
            self.config,
            copied_build_commands=(*known, *(each for each in commands if each not in known)),
            stage_files={**self.config.stage_files, **stage.stage_files, **stage.files},
            texts={**self.config.texts, **stage.texts},
        )
        for path in stage.executable:
            if (local := stage.files.get(path) or copied_files.host_path(path, stage.files)) is not None:
                self.executable_elsewhere.add(local)
        return copied_files.stage_source(stage.files, stage.texts)

    def _folders(self) -> copied_files.Folders:
        return copied_files.Folders(working_dir=self.config.working_dir, files=self.config.files)

    @property
    def _variables(self) -> dict[str, str]:
        return {**self.arguments, **self.config.environment}

    def _expand(self, word: str) -> str:
        return expand(word, self._variables, self.parsed.escape)

    def _argv(self, text: str) -> tuple[str, ...]:
        """The exec form (a JSON list) as it is, the shell form by a shell."""
        argv = exec_form(text)
        return (*self.shell, text) if argv is None else argv


_METHODS: Final[Mapping[str, Callable[[_StageReader, Instruction], None]]] = {
    "ADD": _StageReader._copy,
    "ARG": _StageReader._arg,
    "CMD": _StageReader._cmd,
    "COPY": _StageReader._copy,
    "ENTRYPOINT": _StageReader._entrypoint,
    "ENV": _StageReader._env,
    "EXPOSE": _StageReader._expose,
    "HEALTHCHECK": _StageReader._healthcheck,
    "RUN": _StageReader._run,
    "SHELL": _StageReader._shell,
    "STOPSIGNAL": _StageReader._stopsignal,
    "USER": _StageReader._user,
    "VOLUME": _StageReader._volume,
    "WORKDIR": _StageReader._workdir,
}
