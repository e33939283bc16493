"""The commands of `inv` for a stack of another work tree: same verbs, same errors, same exit codes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stack.commands import down, exec, exit_code, health, logs, prune, ps, start_stop, up
from stack.control.choice import Choice

KIND = "toys"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="parity.command")
    parser.add_argument("verb")
    parser.add_argument("service", nargs="?", default="")
    parser.add_argument("--work-tree", type=Path, required=True)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--profile", action="append", default=[])
    parser.add_argument("--timeout", type=float, default=60.0)
    parser.add_argument("--command", default="")
    parser.add_argument("--volumes", action="store_true")
    return parser.parse_args(arguments)


def say(typed: argparse.Namespace) -> int | None:
    """Clean up after killed stacks, as every command of `inv` does, and run the command."""
    prune.clean_up_killed_stacks()
    choice = Choice(
        kind=KIND,
        engine=typed.engine,
        work_tree=typed.work_tree,
        extra_files=tuple(typed.file),
        profiles=tuple(typed.profile),
    )
    match typed.verb:
        case "up":
            up.run(choice, typed.service, timeout_s=typed.timeout, watch=False)
        case "down":
            down.run(choice, volumes=typed.volumes, yes=True)
        case "stop" | "start" | "restart":
            start_stop.run(choice, typed.verb, typed.service)
        case "ps":
            ps.run(choice, as_json=True)
        case "logs":
            logs.run(choice, typed.service)
        case "health":
            return health.run(choice)
        case "exec":
            return exec.run(choice, typed.service, typed.command)
        case _:
            raise ValueError(typed.verb)
    return None


if __name__ == "__main__":
    sys.exit(exit_code.run(lambda: say(parse(sys.argv[1:]))))
