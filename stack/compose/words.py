"""A command line given as one text -> its words, as compose splits it (go-shellwords, no shell runs)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_STOPS: Final = ";&|<>"
_ESCAPES: Final = {"t": "\t", "n": "\n"}


def words(line: str) -> tuple[str, ...]:
    """The words of a command line; like compose, none after an unquoted ``;``, ``&``, ``|``, ``<``, ``>``.

    Raises:
        ValueError: a quote is not closed, or an unquoted parenthesis.
    """
    splitter = _Splitter()
    for character in line:
        if not splitter.take(character):
            break
    return splitter.end(line)


@dataclass
class _Splitter:
    """One character at a time. ``quote`` is the open one (``(`` for ``$(``), ``ticked`` a backquote."""

    found: list[str] = field(default_factory=list)
    word: str = ""
    started: bool = False
    escaped: bool = False
    quote: str = ""
    ticked: bool = False

    def take(self, character: str) -> bool:
        """Whether the line goes on after this character."""
        if self.escaped:
            self.escaped = False
            self._add(_ESCAPES.get(character, character))
        elif character == "\\" and self.quote != "'":
            self.escaped = True
        elif self.quote:
            self._quoted(character)
        elif character in " \t\r\n" and not self.ticked:
            self._finish()
        elif character in _STOPS and not self.ticked:
            self._stop(character)
            return False
        else:
            self._bare(character)
        return True

    def end(self, line: str) -> tuple[str, ...]:
        if self.quote or self.escaped or self.ticked:
            raise ValueError(f"{line!r} is not a command line: a quote is left open")
        self._finish()
        return tuple(self.found)

    def _bare(self, character: str) -> None:
        if character in "'\"":
            self.quote = character
            return
        if character == "`":
            self.ticked = not self.ticked
        elif character in "()" and not self.ticked:
            if character == ")" or not self.word.endswith("$"):
                raise ValueError("an unquoted parenthesis is not part of a command line")
            self.quote = character
        self._add(character)

    def _quoted(self, character: str) -> None:
        closing = ")" if self.quote == "(" else self.quote
        if character != closing:
            self._add(character)
            return
        if closing == ")":
            self._add(character)
        self.quote = ""
        self.started = True

    def _stop(self, character: str) -> None:
        # `2>file`: the number belongs to the redirection.
        if character == ">" and self.word[:1].isdigit():
            self.word, self.started = "", False

    def _add(self, character: str) -> None:
        self.word += character
        self.started = True

    def _finish(self) -> None:
        if self.started:
            self.found.append(self.word)
        self.word, self.started = "", False
