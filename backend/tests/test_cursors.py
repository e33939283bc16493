"""Cursors that nobody was given."""

import base64
import json

import pytest

from tests.shop import variant_make


@pytest.mark.parametrize(
    ("key", "status"), [(2**63 - 1, 200), (2**63, 400), (0, 200), (-1, 400), (True, 400)]
)
def test_a_cursor_holds_a_key_that_a_row_can_have(client, db, key, status):
    text = json.dumps(["products:newest", "1", key])
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    assert client.get("/api/v1/products", {"cursor": cursor, "sort": "newest"}).status_code == status


def page_after(client, sort, value):
    text = json.dumps([f"products:{sort}", value, 1])
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    client.raise_request_exception = False
    return client.get("/api/v1/products", {"cursor": cursor, "sort": sort, "search": "thing"})


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("name", "\ud800"),
        ("name", "a\x00b"),
        ("name", ["a"]),
        ("price", "1e1000000"),
        ("price", "1e-1000000"),
        ("price", "99999999999.00"),
        ("price", "NaN"),
        ("price", 1),
        ("relevance", "9" * 40),
        ("relevance", "-1"),
        ("relevance", "1.5"),
    ],
)
def test_a_cursor_holds_a_value_that_a_row_can_have(client, db, sort, value):
    variant_make("A")
    assert page_after(client, sort, value).status_code == 400


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("name", "a\nb"),
        ("name", ""),
        ("price", "9999999999.99"),
        ("price", "0.00"),
        ("relevance", "999999999"),
    ],
)
def test_every_value_of_a_row_makes_a_cursor(client, db, sort, value):
    variant_make("A")
    assert page_after(client, sort, value).status_code == 200


@pytest.mark.parametrize("limit", [1, 3])
def test_a_page_reads_one_row_more_than_it_shows(client, db, django_assert_num_queries, limit):
    for number in range(5):
        variant_make(f"S{number}")
    with django_assert_num_queries(1) as queries:
        assert len(client.get("/api/v1/products", {"limit": limit}).json()["items"]) == limit
    assert queries[0]["sql"].endswith(f"LIMIT {limit + 1}")
