"""What a database server's refusals are to those who read them."""

from __future__ import annotations

import socket
from dataclasses import replace

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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGSERVICE", "missing"),
        ("PGSSLROOTCERT", "system"),
        ("PGSSLMODE", "verify-full"),
        ("PGGSSENCMODE", "require"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGLOADBALANCEHOSTS", "unknown"),
    ],
)
def test_nothing_in_the_user_s_environment_decides_where_and_how_to_connect(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with socket.socket() as closed:
        closed.bind((SERVER.host, 0))  # nobody listens
        server = replace(SERVER, port=closed.getsockname()[1])
        with pytest.raises(ServiceFailed, match="does not run"), postgres.session(server):
            pass
