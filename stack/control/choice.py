"""Which stack a command acts on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stack.control import guardians
from stack.errors import UnknownStack
from stack.records import names, state
from stack.system.directories import ROOT


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The options by which a command names a stack: its kind (``local``, ``ci``), work tree and engine."""

    kind: str = "local"
    engine: str = "auto"
    work_tree: Path = ROOT
    extra_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()

    @property
    def project(self) -> str:
        return f"ecommerce-{self.kind}"

    def files(self) -> tuple[str, ...]:
        """Return the compose files, the first being the kind's own.

        Raises:
            UnknownStack: there is no compose file for that kind.
        """
        main = self.work_tree / "compose" / f"docker-compose.{self.kind}.yml"
        if not main.is_file():
            kinds = sorted(p.name.split(".")[1] for p in main.parent.glob("docker-compose.*.yml"))
            raise UnknownStack(f"There is no stack {self.kind!r}.", hint=f"Stacks: {', '.join(kinds)}.")
        return (str(main), *(str(Path(extra).resolve()) for extra in self.extra_files))

    def env_file(self) -> str:
        """Return the file of this work tree's own variables, there or not."""
        return str(self.work_tree / ".env.local")

    def name(self) -> str:
        """Return the name of the detached stack of this choice."""
        return os.environ.get("STACK_NAME") or names.of_work_tree(self.project, self.work_tree)

    def resolve_name(self) -> str:
        """Return the name of the chosen stack: a running stack's own name, or that of the kind here."""
        return self.kind if self.kind in state.names() else self.name()

    def last_run(self) -> Path | None:
        """Return the folder of the stack's newest run, None where it never ran here."""
        name = self.resolve_name()
        stack = guardians.alive(name)
        if stack is not None:
            return Path(stack.run)
        folder = self.work_tree / ".stack" / "runs"
        runs = sorted(folder.glob(f"*-{name}*")) or sorted(folder.glob(f"*-{self.project}-*"))
        return runs[-1] if runs else None
