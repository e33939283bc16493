"""What the tasks of the menu share: how they run, which stack they mean, what their options are for.

Everything that does the work is imported where it is called, so that `inv --list` loads none of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.tasks import Task

if TYPE_CHECKING:
    from stack.control.choice import Choice

P = ParamSpec("P")


class ListsTask(Task[Any]):
    """A task with options that may be repeated. Each needs its value, as other options do.

    Invoke reads `--encrypt` without one as if it had not been typed.
    """

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the arguments of the task; a list of which nothing was typed is no value yet."""
        arguments = super().get_arguments(ignore_unknown_help)
        for argument in arguments:
            if argument.kind is list:
                argument.raw_value = None
        return arguments


def command(work: Callable[P, int | None]) -> Callable[P, None]:
    """Clean up after killed stacks, do the work, and exit with its exit code; errors become sentences."""

    @functools.wraps(work)
    def clean_up_and_work(*args: P.args, **kwargs: P.kwargs) -> int | None:
        from stack.commands import prune

        prune.clean_up_killed_stacks()
        return work(*args, **kwargs)

    return quick_command(clean_up_and_work)


def quick_command(work: Callable[P, int | None]) -> Callable[P, None]:
    """Do the work of a standby as ``command`` does; it cleans up, having imported what that needs."""

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from stack.commands import exit_code
        from stack.display import typed_commands

        with typed_commands.repeating(kwargs):
            code = exit_code.run(lambda: work(*args, **kwargs))
        if code:
            raise Exit(code=code)

    return run


def choice(
    stack: str, compose: str, engine: str = "auto",
    file: list[str] | None = None, profile: list[str] | None = None,
) -> Choice:  # fmt: skip
    """Return which stack a task's options mean."""
    from pathlib import Path

    from stack.control.choice import Choice

    return Choice(
        kind=stack, engine=engine, compose_file=Path(compose) if compose else None,
        extra_files=tuple(file or ()), profiles=tuple(profile or ()),
    )  # fmt: skip


HELP = {
    "stack": "the stack: local (Postgres), ci (SQLite), or the name of a running stack",
    "compose": "the compose file of any other project, instead of --stack",
    "engine": "where it runs: docker, podman, local (no container engine) or auto",
    "service": "a service of the stack, also as a plain word; default: all services",
    "file": "an additional compose file that overrides the stack's own (may be repeated)",
    "profile": "a compose profile to enable (may be repeated)",
    "json": "print JSON instead of a table",
    "yes": "delete without a question, which is asked on a terminal only",
}


def explain(*names: str, **more: str) -> dict[str, str]:
    """Return the help of options: the shared texts of ``names``, and ``more`` for those of one task."""
    return {name: HELP[name] for name in names} | more
