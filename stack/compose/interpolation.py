"""``$VAR`` and ``${VAR...}`` in values.

Source of the rules: https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md
and, where that is silent, compose-go's ``template`` package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stack.compose.source import Override
from stack.errors import ComposeError, VariableMissing

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?")


# compose-go's own bound on what aliases of aliases may expand to.
_MAX_VALUES: Final = 100_000


class FromVariable(str):
    """A string that a variable with a value is part of: the user's choice, not the file's."""

    __slots__ = ()


@dataclass(kw_only=True)
class Interpolation:
    """Replaces variables in the values of a document."""

    variables: Mapping[str, str]
    _used_variable: bool = False
    _values: int = 0

    def document(self, value: Any, file: str) -> Any:
        """Return a copy of ``value`` with variables replaced in every string; keys are not touched.

        Raises:
            VariableMissing: a ``${VAR:?message}`` has no value.
            ComposeError: a ``${`` that is not valid.
        """
        self._values = 0
        return self._copy(value, file, "")

    def text(self, template: str, where: str) -> str:
        """Return ``template`` with its variables replaced; ``where`` (file and key) is for errors."""
        pieces: list[str] = []
        position = 0
        while (dollar := template.find("$", position)) >= 0:
            pieces.append(template[position:dollar])
            piece, position = self._replace(template, dollar + 1, where)
            pieces.append(piece)
        return "".join([*pieces, template[position:]])

    def _copy(self, value: Any, file: str, key: str) -> Any:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise ComposeError(f"{file}: its aliases expand to more than {_MAX_VALUES} values.")
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
        self._used_variable = False
        text = self.text(template, f"{file}: {key}")
        return FromVariable(text) if self._used_variable and ".ports[" in key else text

    def _replace(self, template: str, start: int, where: str) -> tuple[str, int]:
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
                f"{where}: {template!r} is not valid interpolation.", hint="Write $$ for a plain $."
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
        self._used_variable = self._used_variable or bool(value)
        return value

    @staticmethod
    def _missing(name: str, message: str, where: str) -> VariableMissing:
        because = f": {message}" if message else "."
        return VariableMissing(
            f"{where}: the variable {name} has no value{because}",
            hint=f"Set {name} in the environment, or in .env.local (of another project: in its .env).",
        )


def _closing(template: str, opening: int) -> int:
    """Where the brace at ``opening`` is closed; -1 if it is not."""
    depth = 0
    for index in range(opening, len(template)):
        depth += {"{": 1, "}": -1}.get(template[index], 0)
        if depth == 0:
            return index
    return -1
