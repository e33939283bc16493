"""`inv config`: show the merged compose files or the plan; as a program (``-m``) only check the files."""

from __future__ import annotations

import sys
from pathlib import Path

from stack import compose
from stack.commands import exit_code
from stack.control.choice import Choice
from stack.display import config, messages
from stack.engines import registry
from stack.model import Stack
from stack.plan import plan
from stack.plan import ports as container_ports
from stack.plan.plan import Plan


def run(choice: Choice, *, dry_run: bool, as_json: bool = False) -> None:
    """Show the compose files as they are understood or, with ``dry_run``, the plan (always JSON)."""
    stack = compose.load(
        *map(Path, choice.files()), profiles=choice.profiles, env_file=Path(choice.env_file())
    )
    if dry_run:
        messages.say(config.describe_plan(_plan(stack, choice.name(), registry.choose(choice.engine))))
    else:
        messages.say(config.stack_json(stack) if as_json else config.describe_stack(stack))


def _plan(stack: Stack, name: str, engine: str) -> Plan:
    """Return the plan with the published ports, 0 where the guardian would choose one."""
    targets = container_ports.targets(stack, stack.services, engine=engine)
    published = {(s.name, p.target): p.published for s in stack.services.values() for p in s.ports}
    ports = {s: {t: published.get((s, t)) or 0 for t in table} for s, table in targets.items()}
    return plan.make(stack, name=name, engine=engine, services=stack.services, ports=ports, folders={})


def check(files: list[str]) -> None:
    """Load compose files and print their services.

    Raises:
        ComposeError: one of them cannot be run.
    """
    stack = compose.load(*map(Path, files))
    messages.say(f"{stack.name}: {', '.join(stack.services)}")


if __name__ == "__main__":
    sys.exit(exit_code.run(lambda: check(sys.argv[1:])))
