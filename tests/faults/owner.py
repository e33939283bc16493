"""A command that owns a stack, for tests to kill: ``owner.py hold|up|down|list TREE ENGINE``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from stack.commands import down, up
from stack.control import session, sweep
from stack.control.choice import Choice
from stack.display import messages
from stack.errors import StackError


def hold(choice: Choice) -> int:
    """As the main job does: an ephemeral stack, work, the end; Ctrl-C is a quick end."""
    with session.hold(session.request(choice, ephemeral=True, deadline_s=30)) as stack:
        session.wait_until_up(stack, lambda event: print(event.kind, event.state, flush=True))
        print("working", flush=True)
        time.sleep(600)
    return 0


def main(verb: str, tree: str) -> int:
    choice = Choice(kind="toy", engine=sys.argv[3] if len(sys.argv) > 3 else "local", work_tree=Path(tree))
    for sentence in sweep.sweep():
        messages.say(sentence)
    try:
        if verb == "hold":
            return hold(choice)
        if verb == "up":
            up.run(choice, "", timeout_s=30, watch=False)
        elif verb == "down":
            down.run(choice, volumes=True, yes=True)
        return 0
    except StackError as problem:
        messages.print_error(problem)
        return problem.code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
