"""Commands that a message tells a person to type carry the options that this command was given.

After `inv psql --compose shop.yml` a hint that is written as `inv up` says `inv up --compose shop.yml`.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

NO_STACK: Final = frozenset({"doctor", "prune", "runs", "stacks"})
NO_FILE: Final = NO_STACK | {"dashboard", "test"}
"""Commands without --stack, and those without --compose."""

STARTING: Final = {
    "build": {"engine"},
    "config": {"engine", "file", "profile"},
    "dashboard": {"engine"},
    "up": {"engine", "file", "profile"},
}
"""Commands that take options of a start, and which."""

DEFAULTS: Final = {"stack": "local", "compose": "", "engine": "auto"}
_COMMAND: Final = re.compile(r"`inv (?P<verb>[a-z][a-z-]*)(?P<rest>[^`]*)`")
_given: dict[str, Sequence[str]] = {}


@contextlib.contextmanager
def repeating(options: Mapping[str, object]) -> Iterator[None]:
    """Let `complete` repeat those of ``options`` that say which stack is meant, and how it is started."""
    for name in ("compose", "stack", "engine", "file", "profile"):
        value = options.get(name)
        values = value if isinstance(value, list) else [value] if value else []
        if values != [DEFAULTS.get(name)]:
            _given[name] = [str(each) for each in values]
    try:
        yield
    finally:
        _given.clear()


def complete(text: str) -> str:
    """Return ``text`` with those options in its commands; one that names a stack itself is left alone."""
    return _COMMAND.sub(_completed, text) if _given else text


def _completed(command: re.Match[str]) -> str:
    verb, rest = command["verb"], command["rest"]
    if re.search(r"--(stack|compose)\b", rest):
        return command[0]
    names = {name for name, verbs in (("stack", NO_STACK), ("compose", NO_FILE)) if verb not in verbs}
    names |= STARTING.get(verb, set())
    words = [
        f" --{name} {shlex.quote(value)}"
        for name, values in _given.items()
        for value in values
        if name in names and f"--{name}" not in rest
    ]
    return f"`inv {verb}{rest}{''.join(words)}`"
