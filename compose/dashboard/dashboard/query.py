"""The parameters of a request, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

Word = TypeVar("Word", bound=str)


def text(request: Request, name: str) -> str:
    """Return a parameter, "" where it is absent."""
    return request.query_params.get(name, "")


def one_of(request: Request, name: str, choices: Sequence[Word]) -> Word:
    """Return a parameter that is one of ``choices``, the first of them where it is absent.

    Raises:
        HTTPException: it is another word.
    """
    value = request.query_params.get(name, choices[0])
    for choice in choices:
        if choice == value:
            return choice
    raise HTTPException(422, f"{name} is one of: {', '.join(filter(None, choices))}.")


def number(request: Request, name: str, *, default: int, least: int = 1, most: int) -> int:
    """Return a parameter from ``least`` to ``most``.

    Raises:
        HTTPException: it is something else.
    """
    value = request.query_params.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and len(value) < 10 and least <= int(value) <= most):
        raise HTTPException(422, f"{name} is a number from {least} to {most}.")
    return int(value)
