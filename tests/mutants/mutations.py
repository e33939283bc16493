"""All mutations of a module, by Cosmic Ray's operators and one of ours."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from mutants.places import Mutation, Place
from mutants.statements import DropCall


def operators() -> dict[str, Any]:
    """Return the operators that need no arguments, by name."""
    classes = {name: plugins.get_operator(name) for name in sorted(plugins.operator_names())}
    ours = {"DropCall": DropCall()}
    return ours | {name: kind() for name, kind in classes.items() if not kind.arguments()}


def mutations(file: Path) -> Iterator[Mutation]:
    """Yield every mutation of a module; annotations are left out: they do nothing when the code runs."""
    source = file.read_text(encoding="utf-8")
    nodes, left_out = list(ast_nodes(get_ast(source))), _annotations(source)
    for name, operator in operators().items():
        positions = [spot for node in nodes for spot in operator.mutation_positions(node)]
        for occurrence, (start, _) in enumerate(positions):
            if not any(first <= start < last for first, last in left_out):
                place = Place(file=file, line=start[0], column=start[1])
                yield Mutation(place=place, operator=name, occurrence=occurrence)


def mutated(mutation: Mutation) -> str:
    """Return the module's text with the mutation in it."""
    source = mutation.place.file.read_text(encoding="utf-8")
    return str(mutate_code(source, operators()[mutation.operator], mutation.occurrence))


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """Return what a mutation took out and what it put in, without indentation."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    old, new = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in ("-", "+"))
    return old, new


def _annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    nodes: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            nodes.append(node.returns)
        if isinstance(node, ast.arg | ast.AnnAssign):
            nodes.append(node.annotation)
    return [
        ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))
        for node in nodes
        if node is not None
    ]
