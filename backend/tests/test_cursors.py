"""Cursors that nobody was given."""

import base64
import json

import pytest


@pytest.mark.parametrize(
    ("key", "status"), [(2**63 - 1, 200), (2**63, 400), (0, 200), (-1, 400), (True, 400)]
)
def test_a_cursor_holds_a_key_that_a_row_can_have(client, db, key, status):
    text = json.dumps(["products:newest", "1", key])
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    assert client.get("/api/v1/products", {"cursor": cursor, "sort": "newest"}).status_code == status
