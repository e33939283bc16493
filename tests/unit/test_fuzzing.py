"""`nox -s fuzz`: which descriptions are read, who asks, and that the books are checked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tools import fuzzing

ENDPOINTS = {"BACKEND_URL": "http://backend", "GATEWAY_URL": "http://gateway"}


def test_every_description_is_read_by_anybody_and_the_shops_by_a_customer_too() -> None:
    asked = [
        (description, "a customer" if words else "") for description, words in fuzzing.runs(ENDPOINTS, "t")
    ]
    assert asked == [
        ("http://backend/api/v1/openapi.json", ""),
        ("http://backend/api/v1/openapi.json", "a customer"),
        ("http://gateway/api/v1/openapi.json", ""),
        ("http://gateway/api/v1/openapi.json", "a customer"),
        ("http://gateway/openapi.json", ""),
    ]


@pytest.mark.parametrize(("found", "books", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1)])
def test_a_finding_and_a_broken_book_are_failures(
    monkeypatch: pytest.MonkeyPatch, found: int, books: int, code: int
) -> None:
    @contextmanager
    def a_stack(*_: object, **__: object):  # type: ignore[no-untyped-def]
        yield SimpleNamespace(endpoints=ENDPOINTS, name="shop-1")

    def run(choice: object, service: str, command: str) -> int:
        assert (service, command) == ("backend", "python manage.py check_invariants")
        return books

    def attach(argv: Sequence[str]) -> int:
        return found if argv[4] == "http://gateway/openapi.json" else 0

    monkeypatch.setattr(fuzzing.session, "ephemeral_stack", a_stack)
    monkeypatch.setattr(fuzzing, "_token", lambda _: "t")
    monkeypatch.setattr(fuzzing.exec, "run", run)
    monkeypatch.setattr(fuzzing.programs, "attach", attach)
    assert fuzzing.run(["--engine", "local"]) == code
