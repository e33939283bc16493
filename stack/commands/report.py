"""`inv report`: the report of a run, in one file."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from stack.commands import browser
from stack.control import guardians
from stack.control.choice import Choice
from stack.display import messages, report
from stack.errors import UnknownRun
from stack.records import runs


def run(choice: Choice, name: str, *, open_page: bool = False) -> None:
    """Write the report of a run, the latest of the stack where none is named, and print where it is.

    Raises:
        UnknownRun: there is no such run.
    """
    folder = runs.find(choice.work_tree, name) if name else choice.last_run()
    if folder is None:
        raise UnknownRun(f"{choice.resolve_name()} has not run here yet.", hint="Start it with `inv up`.")
    alive = any(Path(stack.run) == folder for stack in guardians.running_stacks())
    path = report.write(folder, alive=alive)
    messages.say(str(path))
    if open_page and browser.has_screen():
        webbrowser.open(path.as_uri())
