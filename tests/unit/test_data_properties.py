"""What a database that comes into use is given of the one that goes."""

from __future__ import annotations

import pytest

from stack.data import properties


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("search_path", '"$user", public', ["$user", "public"]),
        ("search_path", 'shop, "Upper ""Case"""', ["shop", 'Upper "Case"']),
        ("search_path", '""', [""]),
        ("DateStyle", "ISO, DMY", ["ISO, DMY"]),
        ("app.greeting", "", [""]),
    ],
)
def test_a_list_is_set_name_by_name_and_any_other_value_as_one_word(
    name: str, value: str, words: list[str]
) -> None:
    assert properties.words(name, value) == words
