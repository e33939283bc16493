"""An operator that Cosmic Ray does not have: a statement that calls something is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import parso

Position = tuple[int, int]


class DropCall:
    """Replace a statement that is a call, such as ``event_record(...)``, by ``pass``."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Position, Position]]:
        """Yield where the node can be changed, as Cosmic Ray asks of an operator."""
        if node.type == "simple_stmt" and node.children[0].type in {"atom_expr", "await_expr"}:
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the changed node."""
        call = node.children[0]
        left_out = parso.parse("pass").children[0]
        left_out.prefix = call.get_first_leaf().prefix
        left_out.parent = node
        node.children[0] = left_out
        return node
