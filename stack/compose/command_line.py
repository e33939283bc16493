"""A command line that is written as one string -> its words, split as compose does.

Source of the rules: mattn/go-shellwords, which compose-go uses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_TERMINATORS: Final = ";&|<>"
_ESCAPES: Final = {"t": "\t", "n": "\n"}


def split(line: str) -> tuple[str, ...]:
    """Return the words of a command line; like compose, it ends at an unquoted
    ``;``, ``&``, ``|``, ``<`` or ``>``.

    Raises:
        ValueError: an unclosed quote, or an unquoted parenthesis.
    """
    splitter = _Splitter(line=line)
    for character in line:
        if not splitter.take(character):
            break
    return splitter.end()


@dataclass
class _Splitter:
    """Takes one character at a time. ``quote`` is the open one, ``(`` within ``$(``."""

    line: str
    words: list[str] = field(default_factory=list)
    word: str = ""
    has_word: bool = False
    escaped: bool = False
    quote: str = ""
    in_backquotes: bool = False

    def take(self, character: str) -> bool:
        """Return whether the line goes on after this character."""
        if self.escaped:
            self.escaped = False
            self._add(_ESCAPES.get(character, character))
        elif character == "\\" and self.quote != "'":
            self.escaped = True
        elif self.quote:
            self._quoted(character)
        elif character in " \t\r\n" and not self.in_backquotes:
            self._finish()
        elif character in _TERMINATORS and not self.in_backquotes:
            self._stop(character)
            return False
        else:
            self._bare(character)
        return True

    def end(self) -> tuple[str, ...]:
        if self.quote or self.escaped or self.in_backquotes:
            raise ValueError(f"{self.line!r} has an unclosed quote")
        self._finish()
        return tuple(self.words)

    def _bare(self, character: str) -> None:
        if character in "'\"":
            self.quote = character
            return
        if character == "`":
            self.in_backquotes = not self.in_backquotes
        elif character in "()" and not self.in_backquotes:
            if character == ")" or not self.word.endswith("$"):
                raise ValueError(f"{self.line!r} has an unquoted parenthesis")
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
        self.has_word = True

    def _stop(self, character: str) -> None:
        # `2>file`: the number belongs to the redirection.
        if character == ">" and self.word[:1].isdigit():
            self.word, self.has_word = "", False

    def _add(self, character: str) -> None:
        self.word += character
        self.has_word = True

    def _finish(self) -> None:
        if self.has_word:
            self.words.append(self.word)
        self.word, self.has_word = "", False
