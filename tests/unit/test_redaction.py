from __future__ import annotations

import pytest

from stack.display.redaction import MASK, redact, redact_url


@pytest.mark.parametrize(
    "key", ["POSTGRES_PASSWORD", "SECRET_KEY", "vault_token", "API_KEY", "APIKEY", "PRIVATE_PEM"]
)
def test_values_of_secret_names_are_masked(key: str) -> None:
    assert redact({key: "s3cret"}) == {key: MASK}


def test_an_empty_secret_is_shown_as_empty_for_that_is_the_news() -> None:
    assert redact({"SECRET_KEY": ""}) == {"SECRET_KEY": ""}


def test_a_password_in_an_address_is_masked_and_the_rest_stays() -> None:
    assert redact_url("postgres://shop:s3cret@db:5432/shop") == f"postgres://shop:{MASK}@db:5432/shop"
    assert redact_url("redis://:s3cret@redis:6379") == f"redis://:{MASK}@redis:6379"


def test_addresses_without_a_password_and_plain_values_stay() -> None:
    assert redact({"URL": "http://a:80/b@c", "DEBUG": "1"}) == {"URL": "http://a:80/b@c", "DEBUG": "1"}
