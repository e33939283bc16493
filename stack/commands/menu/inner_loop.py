"""Change, test, debug and look, against the stack that is up."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from stack.commands.menu.bare_words import WordsTask
from stack.commands.menu.task import choice, command, explain


@task(
    help=explain(
        "stack",
        words="words of the tests' names, or names of their files; also as a plain word",
        watch="keep running, and test again what a saved file concerns",
    ),
    name="test",
    klass=WordsTask,
)
@command
def run_tests(c: Context, words: str | None = None, stack: str = "local", watch: bool = False) -> None:
    """Run the integration tests against the stack that is up."""
    from stack.commands import test

    test.run(choice(stack, ""), words or "", watch_files=watch)


@task(
    name="open",
    help=explain(
        "stack",
        "compose",
        page="backend, gateway, admin, docs, dashboard, prometheus, redis-ui, pgadmin; also as a plain word",
    ),
)
@command
def open_(c: Context, page: str | None = None, stack: str = "local", compose: str = "") -> None:
    """Open a page of the stack in the browser and print its address; without a page print all."""
    from stack.commands import open

    open.run(choice(stack, compose), page or "")


@task(
    help=explain(
        "stack",
        "compose",
        service="the service",
        launch_json="write what VS Code needs into .vscode/launch.json instead of printing it",
    )
)
@command
def debug(
    c: Context, service: str, stack: str = "local", launch_json: bool = False, compose: str = ""
) -> None:
    """Restart a Python service under debugpy and print what an editor needs to attach to it."""
    from stack.commands import debug

    debug.run(choice(stack, compose), service, launch_json=launch_json)
