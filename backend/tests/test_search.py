"""How well a product fits what is searched for."""

from django.db import connection

from catalog.models import Product
from catalog.search import annotate_relevance
from tests.shop import variant_make


def test_each_word_counts_two_in_a_name_and_one_in_a_brand(db):
    for sku, name, brand in (("A", "Red lamp", ""), ("B", "Lamp", "Red"), ("C", "Desk", "Lamp")):
        variant_make(sku)
        Product.objects.filter(variants__sku=sku).update(name=name, brand=brand)
    if connection.vendor == "sqlite":
        ranked = annotate_relevance(Product.objects.order_by("id"), "red lamp")
        assert [product.relevance for product in ranked] == [4, 3, 1]
    assert [product.relevance for product in annotate_relevance(Product.objects.all(), " ")] == [0, 0, 0]
