"""Full-text search of products.

A query matches where each of its words begins a word of the product. Postgres uses a weighted vector with an
index (migration 0002), SQLite compares text; both find the same products.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL

WORD = re.compile(r"\w+")
MAXIMUM_WORDS = 10
VECTOR_HAS = "catalog_product.search_vector @@ to_tsquery('simple', %s)"
VECTOR_RANK = "(ts_rank(catalog_product.search_vector, to_tsquery('simple', %s)) * 1000000)::int"


def split_words(text: str) -> list[str]:
    """Return the words of a text, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return WORD.findall(plain.casefold())


def build_search_text(*, name: str, brand: str, category: str, description: str) -> str:
    """Return the words that a product is found by, with a space around each."""
    return f" {' '.join(split_words(f'{name} {brand} {category} {description}'))} "


def filter_by_search(rows: QuerySet[Any], query: str) -> QuerySet[Any]:
    """Return the products of which every word of the query begins a word."""
    words = split_words(query)[:MAXIMUM_WORDS]
    if not words:
        return rows
    if connection.vendor == "postgresql":
        return rows.filter(RawSQL(VECTOR_HAS, [_tsquery(words)], output_field=BooleanField()))
    condition = Q()
    for word in words:
        condition &= Q(search_text__contains=f" {word}")
    return rows.filter(condition)


def annotate_relevance(rows: QuerySet[Any], query: str) -> QuerySet[Any]:
    """Return the products with `relevance`, a whole number: words in the name weigh most."""
    words = split_words(query)[:MAXIMUM_WORDS]
    if not words:
        return rows.annotate(relevance=Value(0))
    if connection.vendor == "postgresql":
        return rows.annotate(relevance=RawSQL(VECTOR_RANK, [_tsquery(words)], output_field=IntegerField()))
    rank: Any = Value(0)
    for word in words:
        rank = rank + Case(When(name__icontains=word, then=Value(2)), default=Value(0))
        rank = rank + Case(When(brand__icontains=word, then=Value(1)), default=Value(0))
    return rows.annotate(relevance=rank)


def _tsquery(words: list[str]) -> str:
    # Only letters, digits and underscores pass `split_words`: nothing here can be read as an operator.
    return " & ".join(f"{word}:*" for word in words)
