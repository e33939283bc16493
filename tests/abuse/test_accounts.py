"""Guessing passwords, asking who has an account, and crowds that log in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest

from abuse import http1, services
from abuse.conftest import Shop, starter
from unprotected.protection import Cut, protected_by

JSON = "Content-Type: application/json"
REGISTER, LOGIN = "/api/v1/accounts/register", "/api/v1/accounts/login"
CROWD = 64
GUESSES = 60
OTHERS = 8


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop of its own: its limits of attempts are used up here."""
    with starter(tmp_path_factory.mktemp("accounts")) as start_service:
        backend = start_service(services.backend)
        yield Shop(backend=backend, gateway=start_service(services.gateway, backend))


def post(shop: Shop, path: str, source: str = http1.CLIENT, **body: str) -> http1.Response:
    """Return the response to JSON that is sent through the gateway."""
    return http1.ask(shop.gateway.port, "POST", path, JSON, body=json.dumps(body).encode(), source=source)


@protected_by(
    "one password is hashed at once, and one waits",
    Cut("backend/core/throttling.py", "running=1, waiting=1", "running=64, waiting=64"),
)
def test_a_crowd_that_logs_in_does_not_stop_the_shop(strict: Shop) -> None:
    with ExitStack() as stack:
        crowd = [stack.enter_context(http1.connect(strict.gateway.port)) for _ in range(CROWD)]
        for number, client in enumerate(crowd):
            body = json.dumps({"email": f"nobody-{number}@example.com", "password": "guess"}).encode()
            framing = [JSON, f"Content-Length: {len(body)}", "Connection: close"]
            client.sendall(http1.head("POST", LOGIN, *framing) + body)
        others = [
            http1.ask(strict.gateway.port, "GET", "/api/v1/categories", source="127.0.0.2").status
            for _ in range(OTHERS)
        ]
        responses = [http1.parse(http1.read_all(client))[0] for client in crowd]
    assert others == [200] * OTHERS
    refused = [response for response in responses if response.status in (429, 503)]
    assert len(refused) + sum(response.status == 401 for response in responses) == CROWD
    assert len(refused) > CROWD // 2
    assert all(response.is_problem() and int(response.headers["retry-after"]) > 0 for response in refused)


@protected_by(
    "logins are limited per account and address",
    Cut(
        "backend/accounts/backends.py",
        'throttle("login-account-address", f"{account} {address}")\n            user',
        "user",
    ),
)
def test_a_good_password_after_many_wrong_ones_is_refused(strict: Shop) -> None:
    account = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery"}
    assert post(strict, REGISTER, "127.0.0.3", **account).status == 202
    guesses = [
        post(strict, LOGIN, "127.0.0.3", email=account["email"], password="guess") for _ in range(GUESSES)
    ]
    assert {response.status for response in guesses} == {401, 429}
    good = post(strict, LOGIN, "127.0.0.3", **account)
    assert (good.status, good.is_problem()) == (429, True)
    assert good.headers["ratelimit"].startswith('"login-')


@protected_by(
    "registration is the same for an address that has an account",
    Cut(
        "backend/accounts/services.py",
        "with suppress(IntegrityError), transaction.atomic():",
        "with suppress():",
    ),
)
def test_registration_does_not_tell_who_has_an_account(strict: Shop) -> None:
    account = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery"}
    first, again = (post(strict, REGISTER, "127.0.0.4", **account) for _ in range(2))
    personal = {"x-request-id", "date"}
    assert (first.status, first.body) == (again.status, again.body)
    assert {name: value for name, value in first.headers.items() if name not in personal} == {
        name: value for name, value in again.headers.items() if name not in personal
    }
