"""The names of services that a command line may mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from stack.system.directories import ROOT


def of_command_line(arguments: Sequence[str]) -> set[str]:
    """Return the services of the compose file after `--compose`, else those of this project's stacks."""
    import yaml

    names: set[str] = set()
    for file in _files(arguments):
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
            names |= set(document["services"])
        except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
            continue  # the command itself says what is wrong with the file
    return names


def _files(arguments: Sequence[str]) -> Iterator[Path]:
    words = [part for word in arguments for part in word.split("=", 1)]
    if "--compose" in words[:-1]:
        yield Path(words[words.index("--compose") + 1])
    else:
        yield from sorted((ROOT / "compose").glob("*.yml"))
