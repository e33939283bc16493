"""A test may ask for a database of its own, and do with it what it likes."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg2
import pytest

from shop import address

PRODUCTS = "SELECT count(*) FROM catalog_product"


def value(url: str, query: str) -> Any:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0] if cursor.description else cursor.rowcount


@pytest.mark.parametrize("order", ["first", "next"])
def test_what_a_test_does_to_its_own_database_is_seen_by_nobody_else(fresh_db: str, order: str) -> None:
    in_use = address("DATABASE_URL")
    before = value(in_use, "SELECT min(id) FROM catalog_category")
    assert value(fresh_db, PRODUCTS) > 0, f"the {order} test got a database without products"
    value(fresh_db, "TRUNCATE catalog_product CASCADE")
    assert value(fresh_db, PRODUCTS) == 0
    assert value(in_use, "SELECT min(id) FROM catalog_category") == before
    assert value(in_use, PRODUCTS) > 0
