"""HTML made of elements whose every value is escaped; what would act in a browser is shown as text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Control codes, characters without width or that turn the direction of text, and halves of characters."""

_VOID = frozenset({"meta", "input", "br"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | Html | None


def visible(text: str) -> str:
    """Return text with what cannot be seen as its number, as Python writes it; lines and tabs stay."""
    if text.isprintable():
        return text
    return _ACTING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escape(text: str) -> Html:
    """Return text as HTML; HTML is returned as it is."""
    return text if isinstance(text, Html) else Html(html.escape(visible(text), quote=True))


def join(children: Iterable[Child]) -> Html:
    """Return the children one after the other, those that are text escaped."""
    return Html("".join(escape(child) for child in children if child is not None))


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """Return an element. An attribute that is True has no value, one that is False or None is left out.

    ``class_`` is the attribute `class`, ``data_level`` is `data-level`.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")
