"""Where code is mutated, and which of the mutations a sample takes."""

from __future__ import annotations

import random
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path


@dataclass(frozen=True, kw_only=True, order=True)
class Place:
    """A place of the code."""

    file: Path
    line: int
    column: int


@dataclass(frozen=True, kw_only=True, order=True)
class Mutation:
    """One change of the code: an operator's so-and-so-manieth occurrence in the module."""

    place: Place
    operator: str
    occurrence: int


def sample(mutations: Iterable[Mutation], size: int, seed: int) -> list[Mutation]:
    """Return a random choice, even over the modules, with at most one mutation of a place."""
    rng = random.Random(seed)
    places: dict[Place, list[Mutation]] = defaultdict(list)
    for mutation in sorted(mutations):
        places[mutation.place].append(mutation)
    modules: dict[Path, list[Mutation]] = defaultdict(list)
    for place, choices in places.items():
        modules[place.file].append(rng.choice(choices))
    for choices in modules.values():
        rng.shuffle(choices)
    rounds = [rng.sample(one, len(one)) for one in zip_longest(*modules.values())]
    return [mutation for one in rounds for mutation in one if mutation is not None][:size]


@dataclass(frozen=True, kw_only=True)
class Equal:
    """A mutation that changes nothing which a test could or should see."""

    file: str
    old: str
    new: str
    reason: str


def equals(table: Path) -> dict[tuple[str, str, str], Equal]:
    """Return the accepted mutations, by file and changed lines."""
    rows = tomllib.loads(table.read_text(encoding="utf-8")).get("equal", [])
    found = [Equal(**row) for row in rows]
    return {(row.file, row.old, row.new): row for row in found}
