"""Make the next spare database of a stack: ``python -m stack.commands.spare STACK [RECIPE]``.

`inv up`, `inv reset-db` and what restores start it when they are done, in a session of its own; it carries
the stack's token, so whatever ends the stack ends it, too. Its priority is the usual one: a reset that comes
too early waits for it. What it says is in the run's folder.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from stack.commands import data_access
from stack.control import guardians
from stack.data import reset
from stack.data.template import Recipe
from stack.display import messages
from stack.errors import StackError
from stack.records.state import StackState
from stack.system import processes, programs
from stack.system.directories import ROOT


def start(state: StackState, recipe: Recipe | None = None) -> None:
    """Start making the next spare of ``state`` and return at once; without a recipe, the usual one."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), processes.TOKEN: state.token}
    argv = [sys.executable, "-m", "stack.commands.spare", state.name]
    argv += [json.dumps(asdict(recipe))] if recipe is not None else []
    with (Path(state.run) / "spare.log").open("ab") as output:
        programs.spawn(argv, cwd=Path("/"), env=environment, output=output.fileno(), own_session=True)


def main(arguments: list[str]) -> int:
    """Make the spare; return the exit code."""
    try:
        access = data_access.access_to(guardians.require_running(arguments[0]))
        recipe = Recipe(**json.loads(arguments[1])) if len(arguments) > 1 else access.recipe()
        reset.make_ready(access.server, access.location(), recipe, access.prepare, say=messages.say)
    except StackError as problem:
        messages.print_error(problem)
        return problem.code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
