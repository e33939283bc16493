"""What Postgres reads and waits for: pages of equal cost, the index of brands, and limits of time."""

import json
import threading

import pytest
from django.db import connection, transaction

from catalog.models import StockItem
from catalog.selectors import ORDERS, ProductFilter, filter_products
from core.cursors import Order
from operations.seed_catalogue import catalogue_seed
from tests.shop import Person, variant_make

PRODUCTS, LIMIT = 6000, 20


@pytest.fixture
def catalogue_of_thousands(db):
    catalogue_seed(products=PRODUCTS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def rows_read(rows):
    """Return how many rows the plan of a query reads from tables and indexes, and its indexes."""
    sql, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        plan = cursor.fetchone()[0]
    read, indexes, stack = 0, set(), [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]]
    while stack:
        node = stack.pop()
        stack += node.get("Plans", [])
        if "Index Name" in node:
            indexes.add(node["Index Name"])
        if "Relation Name" in node:
            loops = node["Actual Loops"]
            read += (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * loops
    return read, indexes


@pytest.mark.parametrize("sort", ["price", "-price", "name", "-name"])
def test_a_page_in_the_middle_reads_no_more_rows_than_it_shows(catalogue_of_thousands, sort):
    order: Order = ORDERS[sort]
    rows = filter_products(filters=ProductFilter())
    middle = rows.order_by(*order.columns)[PRODUCTS // 2]
    after = rows.filter(order.after([getattr(middle, order.field), middle.pk]))
    read, _ = rows_read(after.order_by(*order.columns)[:LIMIT])
    assert read < LIMIT + 300  # and those of the same price or name


def test_a_brand_is_found_by_its_index(catalogue_of_thousands):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    rows = filter_products(filters=ProductFilter(brand="nordic"))
    read, indexes = rows_read(rows)
    assert "catalog_product_brand" in indexes
    assert 0 < read == rows.count()


@pytest.mark.django_db(transaction=True)
def test_a_request_that_waits_too_long_for_a_lock_is_told_to_retry():
    variant_make("A")
    person = Person()
    person.put_in_cart("A")
    responses = []

    def check_out():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        responses.append(person.check_out())
        connection.close()

    with transaction.atomic():
        list(StockItem.objects.select_for_update())
        thread = threading.Thread(target=check_out)
        thread.start()
        thread.join(20)
    assert (responses[0].status_code, responses[0]["Retry-After"]) == (503, "1")
    assert responses[0]["Content-Type"] == "application/problem+json"
    assert person.check_out().status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_takes_too_long_is_a_503(client, monkeypatch):
    def sleep(**arguments):
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '50ms'")
            cursor.execute("SELECT pg_sleep(30)")

    monkeypatch.setattr("catalog.selectors.category_list", sleep)
    try:
        response = client.get("/api/v1/categories")
    finally:
        connection.close()
    assert (response.status_code, response["Retry-After"]) == (503, "1")
