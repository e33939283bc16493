"""Words of a product, and which products have them.

A query matches where each of its words begins a word of the product.
"""

from __future__ import annotations

import re
import unicodedata

from django.db.models import Q

WORD = re.compile(r"\w+")
MAXIMUM_WORDS = 10


def words_of(text: str) -> list[str]:
    """Answers the words of a text, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return WORD.findall(plain.casefold())


def search_text_of(*, name: str, brand: str, category: str, description: str) -> str:
    """Answers the words that a product is found by, with a space around each."""
    return f" {' '.join(words_of(f'{name} {brand} {category} {description}'))} "


def matching(query: str) -> Q:
    """Answers the condition that every word of the query begins a word of the product."""
    condition = Q()
    for word in words_of(query)[:MAXIMUM_WORDS]:
        condition &= Q(search_text__contains=f" {word}")
    return condition
