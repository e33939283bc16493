"""`inv config`"""

from __future__ import annotations

from pathlib import Path

from stack import compose
from stack.control.choice import Choice
from stack.display import config, messages
from stack.engines import registry
from stack.plan import plan


def run(choice: Choice, *, dry_run: bool) -> None:
    """Show the compose files as they are understood, or the plan."""
    loaded = compose.load(
        *map(Path, choice.files()), profiles=choice.profiles, env_file=Path(choice.env_file())
    )
    engine = registry.choose(choice.engine)
    name = choice.name()
    targets = plan.targets(loaded, loaded.services, engine=engine)
    wanted = {(s.name, p.target): p.published for s in loaded.services.values() for p in s.ports}
    ports = {s: {t: wanted.get((s, t)) or 0 for t in table} for s, table in targets.items()}
    made = plan.make(loaded, name=name, engine=engine, services=loaded.services, ports=ports, folders={})
    messages.say(config.describe_plan(made) if dry_run else config.describe_stack(loaded))
