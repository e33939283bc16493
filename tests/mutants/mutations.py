"""All mutations of a module, by Cosmic Ray's operators and one of ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from mutants.places import Mutation
from mutants.statements import DropCall, Position

EXCEPTIONS = "core/ExceptionReplacer"
"""It fails for a name with a dot, such as ``binascii.Error``."""

ANNOTATED = {"tfpdef": 2, "annassign": 1}
"""Where the annotation stands in parso's nodes of a parameter and of a variable."""


def operators() -> dict[str, Any]:
    """Return the operators that need no arguments, by name."""
    classes = {name: plugins.get_operator(name) for name in sorted(plugins.operator_names())}
    ours = {"DropCall": DropCall()}
    return ours | {name: kind() for name, kind in classes.items() if not kind.arguments()}


def mutations(file: Path) -> Iterator[Mutation]:
    """Yield every mutation of a module that changes what it does when it runs."""
    source = file.read_text(encoding="utf-8")
    nodes = list(ast_nodes(get_ast(source)))
    for name, operator in operators().items():
        positions = [(node, spot) for node in nodes for spot in operator.mutation_positions(node)]
        for occurrence, (node, (start, end)) in enumerate(positions):
            is_dotted = name == EXCEPTIONS and not _text(source, start, end).isidentifier()
            if not (is_dotted or _is_star(node) or _is_annotation(node)):
                yield Mutation(file=file, line=start[0], operator=name, occurrence=occurrence)


def mutated(mutation: Mutation) -> str:
    """Return the module's text with the mutation in it."""
    source = mutation.file.read_text(encoding="utf-8")
    return str(mutate_code(source, operators()[mutation.operator], mutation.occurrence))


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """Return what a mutation took out and what it put in, without indentation."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    old, new = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in ("-", "+"))
    return old, new


def _text(source: str, start: Position, end: Position) -> str:
    return source.splitlines()[start[0] - 1][start[1] : end[1]]


def _is_star(node: Any) -> bool:
    """Return whether a node is the star of a signature or a dict: Cosmic Ray takes it for an operator."""
    return node.type == "operator" and node.parent.type in {"parameters", "dictorsetmaker", "atom"}


def _is_annotation(node: Any) -> bool:
    parent = node.parent
    if parent is None:
        return False
    is_one = parent.type in ANNOTATED and node is parent.children[ANNOTATED[parent.type]]
    return is_one or (parent.type == "funcdef" and node is parent.annotation) or _is_annotation(parent)
