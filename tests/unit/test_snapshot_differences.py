"""What `inv snapshot diff` prints of a table."""

from __future__ import annotations

from stack.commands.snapshot import ROWS_AT_MOST, difference_lines
from stack.data.rows import Difference


def lines(gone: tuple[str, ...], new: tuple[str, ...], *, before: int = 1, after: int = 1) -> list[str]:
    return difference_lines(Difference(table="shop", before=before, after=after, gone=gone, new=new))


def test_of_a_row_that_changed_only_the_columns_are_shown_that_did() -> None:
    old = '{"id": 1, "text": "' + 300 * "x" + '", "brand": "a", "price": 1}'
    assert lines((old,), (old.replace('"a"', '"b"').replace("1}", "2.5}"),)) == [
        "shop: 1 -> 1 rows, changed",
        '  ~ id 1: brand "a" -> "b", price 1 -> 2.5',
    ]


def test_a_row_that_went_and_one_that_came_are_shown_whole() -> None:
    assert lines(('{"id": 1}', '{"key": "k"}'), ('{"id": 2}',), before=2)[1:] == [
        '  - {"id": 1}',
        '  - {"key": "k"}',
        '  + {"id": 2}',
    ]


def test_a_column_that_went_and_one_that_came_are_changes() -> None:
    (_, line) = lines(('{"id": "k", "old": 1}',), ('{"id": "k", "new": null, "b": true}',))
    assert line == "  ~ id k: b null -> true, old 1 -> null"


def test_of_many_rows_the_first_are_shown_and_the_others_counted() -> None:
    new = tuple(f'{{"id": {number}}}' for number in range(ROWS_AT_MOST + 3))
    assert lines((), new, before=0, after=len(new))[-1] == "  + and 3 more"


def test_no_row_is_hidden_where_an_id_stands_for_several() -> None:
    gone, new = ('{"id": 1, "name": "a"}', '{"id": 1, "name": "b"}'), ('{"id": 1, "name": "c"}',)
    assert lines(gone, new)[1:] == [f"  - {gone[0]}", f"  - {gone[1]}", f"  + {new[0]}"]
