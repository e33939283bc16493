"""Search on Postgres: by the vector of a product's words and its index, with the results of SQLite."""

import pytest
from django.db import connection

from catalog.models import Product
from catalog.search import annotate_relevance, filter_by_search
from tests.postgres.test_plans import rows_read
from tests.shop import variant_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamps():
    """Three products that have the word in their name, their brand, and their description."""
    for sku, fields in (
        ("A", {"name": "Lamp", "search_text": " lamp "}),
        ("B", {"name": "Desk", "brand": "Lamp", "search_text": " desk lamp red "}),
        ("C", {"name": "Chair", "search_text": " chair beside a lamp "}),
    ):
        variant_make(sku)
        Product.objects.filter(variants__sku=sku).update(**fields)


def found(query):
    rows = filter_by_search(Product.objects.order_by("id"), query)
    return list(rows.values_list("name", flat=True))


def test_a_search_is_answered_by_its_index(lamps):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    _, indexes = rows_read(filter_by_search(Product.objects.all(), "lamp"))
    assert "catalog_product_search" in indexes


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("lamp", ["Lamp", "Desk", "Chair"]),
        ("LA", ["Lamp", "Desk", "Chair"]),
        ("lamp red", ["Desk"]),
        ("amp", []),
        ("  ", ["Lamp", "Desk", "Chair"]),
        ("lamp & ! ( red:*", ["Desk"]),
    ],
)
def test_every_word_begins_a_word_of_what_is_found(lamps, query, names):
    assert found(query) == names


def test_a_word_weighs_most_in_a_name_and_least_in_a_description(lamps):
    ranked = annotate_relevance(Product.objects.order_by("id"), "lamp")
    name, brand, text = (product.relevance for product in ranked)
    assert name > brand > text > 0


def test_without_words_nothing_is_relevant(lamps):
    assert {product.relevance for product in annotate_relevance(Product.objects.all(), " ")} == {0}


def test_ten_words_count(lamps):
    assert found("lamp " * 10 + "nothing") == ["Lamp", "Desk", "Chair"]
    assert found("lamp " * 9 + "nothing") == []
