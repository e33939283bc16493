"""Files of ``NAME=value`` lines, as compose reads ``.env`` and ``env_file``.

Source of the rules: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
and compose-go's ``dotenv`` package; python-dotenv does not know ``$NAME`` or ``${NAME:?}``.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stack.compose.interpolation import Interpolation
from stack.errors import ComposeError

_STATEMENT: Final = re.compile(
    r"(?:export[^\S\n]+)?([\w.\[\]-]+)[^\S\n]*(?:(?P<sign>[=:])[^\S\n]*|(?=\n)|\Z)"
)

_SKIPPED: Final = re.compile(r"(?:\s+|#[^\n]*)*")
_ESCAPE: Final = re.compile(r"\\(0\d{1,3}|[abcfnrtv$\"\\])")
_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def read(file: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a file. Its values may refer to ``outer`` variables, and to earlier lines.

    Raises:
        ComposeError: not UTF-8, or a line that cannot be read; names file and line.
        VariableMissing: a ``${NAME:?}`` has no value.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ComposeError(f"{file}: cannot be read: {error}.") from None
    return _Parser(text, file, outer).variables()


def raw(file: Path) -> dict[str, str]:
    """Return the variables of a file in ``format: raw``: no quotes, no interpolation.

    Raises:
        ComposeError: cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ComposeError(f"{file}: cannot be read: {error}.") from None
    pairs = (line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return {name: value for name, sign, value in pairs if sign}


class _Parser:
    def __init__(self, text: str, file: Path, outer: Mapping[str, str]) -> None:
        self.text, self.file, self.outer = text, file, outer
        self.position = 0
        self.values: dict[str, str] = {}
        self.interpolation = Interpolation(variables=ChainMap(dict(outer), self.values))

    def variables(self) -> dict[str, str]:
        self._skip()
        while self.position < len(self.text):
            self._statement()
            self._skip()
        return self.values

    def _skip(self) -> None:
        match = _SKIPPED.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def _statement(self) -> None:
        match = _STATEMENT.match(self.text, self.position)
        if not match:
            raise ComposeError(f"{self._where()}: expected NAME=value.")
        name, self.position = match[1], match.end()
        if match["sign"]:
            self.values[name] = self._value(name)
        elif name in self.outer:
            self.values[name] = self.outer[name]

    def _value(self, name: str) -> str:
        quote = self.text[self.position : self.position + 1]
        if quote in ("'", '"'):
            return self._quoted(quote, name)
        value, _, _rest = self.text[self.position :].partition("\n")
        where = self._where()
        self.position += len(value)
        return self.interpolation.text(value.partition(" #")[0].rstrip(), where)

    def _quoted(self, quote: str, name: str) -> str:
        match = re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}", re.DOTALL).match(
            self.text, self.position
        )
        if not match:
            raise ComposeError(f"{self._where()}: the value of {name} has a quote that is not closed.")
        where, self.position = self._where(), match.end()
        value = match[1].replace("\\" + quote, quote)
        return self.interpolation.text(_ESCAPE.sub(_unescape, value), where) if quote == '"' else value

    def _where(self) -> str:
        return f"{self.file}, line {self.text.count(chr(10), 0, self.position) + 1}"


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code.startswith("0"):
        return chr(int(code, 8) & 0xFF) if re.fullmatch("[0-7]+", code) else match[0]
    return "$$" if code == "$" else _ESCAPES.get(code, code)
