"""What a database server's refusals are to those who read them."""

from __future__ import annotations

import psycopg2
import pytest

from stack.data import postgres
from stack.data.stores import Server
from stack.errors import ServiceFailed

SERVER = Server(stack="shop", service="db", port=5432, user="boss", password="p", database="shop")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "permission denied for table t\nDETAIL: x",
            "refused boss: permission denied for table t.",
            "Grant it",
        ),
        ("must be owner of database shop", "refused boss: must be owner of database shop.", "Grant it"),
        ("Connection refused", "does not run.", "inv start db"),
        ("deadlock detected", "refused: deadlock detected", "inv logs"),
    ],
)
def test_a_refusal_says_who_was_refused_and_what_helps(
    monkeypatch: pytest.MonkeyPatch, text: str, message: str, hint: str
) -> None:
    def refuse(**_: object) -> None:
        raise psycopg2.Error(text)

    monkeypatch.setattr(psycopg2, "connect", refuse)
    with pytest.raises(ServiceFailed) as refused, postgres.session(SERVER):
        pass
    assert refused.value.message.endswith(message)
    assert hint in refused.value.hint


def test_a_connection_s_own_words_and_not_the_user_s_decide_where_and_how(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, object] = {}

    def connect(**values: object) -> None:
        given.update(values)
        raise psycopg2.Error("enough")

    monkeypatch.setattr(psycopg2, "connect", connect)
    with pytest.raises(ServiceFailed), postgres.session(SERVER):
        pass
    decided = {
        "host",
        "hostaddr",
        "port",
        "user",
        "password",
        "dbname",
        "sslmode",
        "client_encoding",
        "options",
    }
    assert decided <= given.keys()  # each wins over its variable: PGHOST, PGSSLMODE, PGOPTIONS ...
