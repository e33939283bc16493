"""The words of a Dockerfile's instruction: quotes, escapes and variables.

Source of the rules: https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

_NAME: Final = re.compile(r"\w+")
_BRACED: Final = re.compile(r"(\w+)(?:(:?[-+?])(.*))?", re.DOTALL)


def split_words(text: str, escape: str = "\\") -> list[str]:
    """Return the words of a text as they are written: quoted or escaped blanks are part of a word."""
    words: list[str] = []
    word, quote, position = "", "", 0
    while position < len(text):
        character = text[position]
        if character == escape and quote != "'":
            character = text[position : position + 2]
        elif character in "'\"":
            quote = "" if character == quote else quote or character
        if character.isspace() and not quote:
            words += [word] if word else []
            word = ""
        else:
            word += character
        position += len(character)
    return [*words, word] if word else words


def expand(word: str, variables: Mapping[str, str], escape: str = "\\", *, keeps_quotes: bool = False) -> str:
    """Return a word without its quotes and escapes, its variables replaced; an unknown one is empty.

    ``keeps_quotes``: quotes mean nothing, as in a here-document; escapes do even there.
    """
    pieces: list[str] = []
    quote, position = "", 0
    while position < len(word):
        character, following = word[position], word[position + 1 : position + 2]
        if character == "$" and quote != "'":
            piece, position = _variable(word, position + 1, variables, escape)
            pieces.append(piece)
            continue
        if character == escape and quote != "'" and following:
            is_special = not quote or following in (quote, "$", escape)
            pieces.append(following if is_special else escape + following)
            position += 2
            continue
        if character in "'\"" and quote in ("", character) and not keeps_quotes:
            quote = "" if quote else character
        else:
            pieces.append(character)
        position += 1
    return "".join(pieces)


def _variable(word: str, start: int, variables: Mapping[str, str], escape: str) -> tuple[str, int]:
    """What stands for the ``$`` before ``start``, and where the word goes on."""
    if word[start : start + 1] == "{":
        end = _closing(word, start)
        match = _BRACED.fullmatch(word[start + 1 : end]) if end > 0 else None
        if match:
            return _value(match[1], match[2] or "", match[3] or "", variables, escape), end + 1
    elif name := _NAME.match(word, start):
        return variables.get(name[0], ""), name.end()
    return "$", start


def _value(name: str, operator: str, other: str, variables: Mapping[str, str], escape: str) -> str:
    value = variables.get(name)
    is_set = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return expand(other, variables, escape) if is_set else ""
    if operator.endswith("-") and not is_set:
        return expand(other, variables, escape)
    return value or ""


def _closing(word: str, opening: int) -> int:
    """Where the brace at ``opening`` is closed; -1 where it is not."""
    depth = 0
    for index in range(opening, len(word)):
        depth += {"{": 1, "}": -1}.get(word[index], 0)
        if depth == 0:
            return index
    return -1


def expand_known(text: str, variables: Mapping[str, str]) -> str:
    """Return a shell's text with ``variables`` replaced; others are left to the shell."""
    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda match: variables.get(match[1] or match[2], match[0]), text)


def exec_form(text: str) -> tuple[str, ...] | None:
    """Return the words of the exec form (a JSON list), None where it is the shell form."""
    try:
        words = json.loads(text)
    except ValueError:
        return None
    return tuple(str(word) for word in words) if isinstance(words, list) else None
