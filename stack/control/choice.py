"""Which stack a command acts on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stack.errors import UnknownStack
from stack.records import folders, names
from stack.system.directories import ROOT


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The options by which a command names a stack.

    It is a kind (``local``, ``ci``) or ``compose_file``, the file of any other project, whose folder it is.
    ``work_tree`` holds the compose files of the kinds and the records of all runs.
    """

    kind: str = "local"
    engine: str = "auto"
    work_tree: Path = ROOT
    compose_file: Path | None = None
    extra_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the project: that of the other project's compose file, else the work tree."""
        return self.work_tree if self.compose_file is None else self.compose_file.resolve().parent

    @property
    def project(self) -> str:
        """The compose project's name."""
        return f"ecommerce-{self.kind}" if self.compose_file is None else self._other_project()

    def _other_project(self) -> str:
        from stack import compose  # a third of what a command on a kind imports, which does not need it

        return compose.load(*map(Path, self.files()), profiles=self.profiles).name

    def files(self) -> tuple[str, ...]:
        """Return the compose files, the first being the stack's own.

        Raises:
            UnknownStack: there is no such compose file.
        """
        main = self.compose_file.resolve() if self.compose_file is not None else self._file_of_kind()
        if not main.is_file():
            raise UnknownStack(f"There is no compose file {main}.", hint="Check the path after --compose.")
        return (str(main), *(str(Path(extra).resolve()) for extra in self.extra_files))

    def _file_of_kind(self) -> Path:
        folder = self.work_tree / "compose"
        main = folder / f"docker-compose.{self.kind}.yml"
        if not names.NAME.fullmatch(self.kind) or not main.is_file():
            from stack.control import guardians  # reads records, which a standby's command leaves to it

            kinds = sorted(path.name.split(".")[1] for path in folder.glob("docker-compose.*.yml"))
            running = [stack.name for stack in guardians.running_stacks()]
            raise UnknownStack(
                f"There is no stack {self.kind!r}.", hint=f"Stacks: {', '.join([*kinds, *running])}."
            )
        return main

    def env_file(self) -> str:
        """Return the file of the project's own variables, there or not."""
        return str(self.folder / (".env.local" if self.compose_file is None else ".env"))

    def name(self) -> str:
        """Return the name of the detached stack of this choice.

        Raises:
            UnknownStack: the variable STACK_NAME cannot be a name, or there is no such compose file.
        """
        if self.compose_file is not None:
            self.files()
        given = os.environ.get("STACK_NAME")
        return names.require_name(given) if given else self._own_name()

    def _own_name(self) -> str:
        return names.of_work_tree(self.project, self.folder)

    def resolve_name(self) -> str:
        """Return the name of the chosen stack: a running stack's own name, or that of the kind here.

        A running stack can be named although its compose file is gone, as in a deleted work tree.

        Raises:
            UnknownStack: there is neither.
        """
        if self.compose_file is not None:
            return self._running_from_file() or self.name()
        if self.kind in folders.names():
            return self.kind
        is_own = names.NAME.fullmatch(self.kind) and not os.environ.get("STACK_NAME")
        if is_own and (name := self._own_name()) in folders.names():
            return name
        if self.work_tree.is_dir():
            self._file_of_kind()
        return self.name()

    def _running_from_file(self) -> str | None:
        """Return the running stack of the other project, also where its file cannot be read any more."""
        from stack.control import guardians
        from stack.records.request import read_request

        main = self.files()[0]
        for stack in guardians.running_stacks():
            record = Path(stack.run) / "request.json"  # gone where its work tree was deleted
            if not stack.ephemeral and record.is_file() and read_request(record).files[0] == main:
                return stack.name
        return None

    def last_run(self) -> Path | None:
        """Return the folder of the stack's newest run, None where it never ran here."""
        from stack.control import guardians
        from stack.records import runs

        name = self.resolve_name()
        stack = guardians.alive(name)
        if stack is not None:
            return Path(stack.run)
        own = runs.of_stack(self.work_tree, name) or runs.of_ephemeral_stacks(self.work_tree, self.project)
        return own[-1] if own else None
