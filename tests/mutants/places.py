"""Where code is mutated, and which of the mutations a sample takes."""

from __future__ import annotations

import ast
import random
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, order=True)
class Mutation:
    """One change of the code: the line at which an operator acts, and which of its places in the module."""

    file: Path
    line: int
    operator: str
    occurrence: int


def sample(mutations: Iterable[Mutation], size: int, seed: int) -> list[Mutation]:
    """Return so many mutations in random order, each as likely as any other."""
    everything = sorted(mutations)
    return random.Random(seed).sample(everything, min(size, len(everything)))


def statement_lines(source: str, line: int) -> range | None:
    """Return the lines of the innermost statement of a function's body; None for what runs at import."""
    inside, best = False, None
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside |= node.body[0].lineno <= line <= (node.end_lineno or 0)
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno or 0
            if node.lineno <= line <= max(last, node.lineno):
                best = range(node.lineno, max(last, node.lineno) + 1)
    return (best or range(line, line + 1)) if inside else None


@dataclass(frozen=True, kw_only=True)
class Equal:
    """A mutation that changes nothing which a test could or should see."""

    file: str
    old: str
    new: str
    reason: str


def equals(table: Path) -> list[Equal]:
    """Return the mutations that are accepted."""
    return [Equal(**row) for row in tomllib.loads(table.read_text(encoding="utf-8"))["equal"]]


def find_equal(rows: list[Equal], file: str, old: str, new: str) -> Equal | None:
    """Return the row that accepts this change of a module, where there is one."""
    fitting = (row for row in rows if row.old == old and row.file in {file, "*"} and row.new in {new, "*"})
    return next(fitting, None)
