"""``$VAR`` and ``${VAR...}`` in values.

Source of the rules: https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md
and compose-go's ``template`` package for what that leaves open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stack.compose.source import Override
from stack.errors import ComposeError, VariableMissing

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?")


# compose-go's own bound on what aliases of aliases may unfold to.
_MOST_VALUES: Final = 100_000


class Chosen(str):
    """A text in which a variable that is set was used: the user's choice, not the file's."""

    __slots__ = ()


@dataclass(kw_only=True)
class Interpolation:
    """Substitutes ``variables`` into the values of a document; ``used`` collects those it found set."""

    variables: Mapping[str, str]
    used: dict[str, str] = field(default_factory=dict)
    _chosen: bool = False
    _values: int = 0

    def document(self, value: Any, file: str) -> Any:
        """A copy of ``value`` with every text substituted, keys left alone.

        Raises:
            VariableMissing: a ``${VAR:?message}`` has no value.
            ComposeError: a ``${`` that is none of the known forms.
        """
        self._values = 0
        return self._copy(value, file, "")

    def text(self, template: str, where: str) -> str:
        """``template`` with its variables substituted; ``where`` (file and key) is for errors."""
        pieces: list[str] = []
        position = 0
        while (dollar := template.find("$", position)) >= 0:
            pieces.append(template[position:dollar])
            piece, position = self._one(template, dollar + 1, where)
            pieces.append(piece)
        return "".join([*pieces, template[position:]])

    def _copy(self, value: Any, file: str, key: str) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise ComposeError(f"{file}: its aliases unfold to more than {_MOST_VALUES} values.")
        if isinstance(value, str):
            return self._leaf(value, file, key)
        if isinstance(value, dict):
            return {
                name: self._copy(item, file, f"{key}.{name}" if key else name) for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._copy(item, file, f"{key}[{index}]") for index, item in enumerate(value)]
        if isinstance(value, Override):
            return Override(self._copy(value.value, file, key))
        return value

    def _leaf(self, template: str, file: str, key: str) -> str:
        if "$" not in template:
            return template
        self._chosen = False
        text = self.text(template, f"{file}: {key}")
        return Chosen(text) if self._chosen and ".ports[" in key else text

    def _one(self, template: str, start: int, where: str) -> tuple[str, int]:
        """What stands for the ``$`` before ``start``, and where the text goes on."""
        following = template[start : start + 1]
        if following == "$":
            return "$", start + 1
        if following == "{":
            end = _closing(template, start)
            inner = template[start + 1 : end] if end >= 0 else ""
            return self._braced(template, inner, where), end + 1
        if name := _NAME.match(template, start):
            return self._lookup(name[0]) or "", name.end()
        return "$", start

    def _braced(self, template: str, inner: str, where: str) -> str:
        match = _BRACED.fullmatch(inner)
        if not match:
            raise ComposeError(
                f"{where}: {template!r} is not a known form of interpolation.", hint="Write $$ for a plain $."
            )
        name, operator, word = match.groups()
        value = self._lookup(name)
        present = bool(value) if operator and operator.startswith(":") else value is not None
        if not operator:
            return value or ""
        if operator.endswith("+"):
            return self.text(word, where) if present else ""
        if present:
            return value or ""
        if operator.endswith("-"):
            return self.text(word, where)
        raise self._missing(name, self.text(word, where), where)

    def _lookup(self, name: str) -> str | None:
        value = self.variables.get(name)
        if value is not None:
            self.used[name] = value
        self._chosen = self._chosen or bool(value)
        return value

    @staticmethod
    def _missing(name: str, message: str, where: str) -> VariableMissing:
        because = f": {message}" if message else "."
        return VariableMissing(
            f"{where}: the variable {name} has no value{because}",
            hint=f"Set {name} in the environment or in .env.local.",
        )


def _closing(template: str, opening: int) -> int:
    """Where the brace at ``opening`` is closed; -1 if it is not."""
    depth = 0
    for index in range(opening, len(template)):
        depth += {"{": 1, "}": -1}.get(template[index], 0)
        if depth == 0:
            return index
    return -1
