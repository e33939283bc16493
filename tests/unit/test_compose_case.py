"""How a small stack that is about one rule is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack import compose
from stack.model import Stack


@dataclass(frozen=True, kw_only=True)
class Case:
    """Files by name; the first ``merged`` of them are given to ``-f``, the others only lie there."""

    name: str
    files: Mapping[str, str]
    merged: tuple[str, ...] = ("compose.yml",)
    environment: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    def load(self, folder: Path) -> Stack:
        files = [folder / name for name in self.merged]
        return compose.load(*files, environment=self.environment, profiles=self.profiles)


def load(case: Case, folder: Path, **options: str) -> Stack:
    case.write(folder)
    env_file = options.get("env_file")
    files = [folder / name for name in case.merged]
    return compose.load(
        *files,
        environment=case.environment,
        profiles=case.profiles,
        env_file=folder / env_file if env_file else None,
        name=options.get("name"),
    )


def service(*lines: str, below: str = "") -> str:
    """A file with the one service ``web``, whose keys these lines are."""
    return "services:\n  web:\n    image: i\n" + "".join(f"    {line}\n" for line in lines) + below


def one(name: str, *lines: str, below: str = "", **environment: str) -> Case:
    return Case(name=name, files={"compose.yml": service(*lines, below=below)}, environment=environment)


def two(name: str, first: list[str], second: list[str], below: str = "") -> Case:
    files = {"compose.yml": service(*first, below=below), "over.yml": service(*second)}
    return Case(name=name, files=files, merged=("compose.yml", "over.yml"))


def whole(name: str, text: str, *, profiles: tuple[str, ...] = (), **files: str) -> Case:
    others = {key.replace("__", "/").replace("_", "."): value for key, value in files.items()}
    return Case(name=name, files={"compose.yml": text, **others}, profiles=profiles)


DB = "  db:\n    image: d\n"
VOLUMES = "volumes:\n  data:\n  logs:\n    name: my-logs\n  out:\n    external: true\n"
