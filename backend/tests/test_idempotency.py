"""Which responses are stored under an Idempotency-Key, and for whom."""

import pytest
from django.http import HttpResponse

from core.idempotency import KeyMissing, get_idempotency_key, run_once
from core.models import IdempotentResponse
from core.problems import Problem
from events.models import OutboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(rf):
    """Return a function that sends the same request, answered by an operation."""

    def send(operation, *, owner="user:1", atomic=True, path="/x", body=b"{}"):
        headers = {"Idempotency-Key": "k"}
        request = rf.post(path, body, content_type="application/json", headers=headers)
        return run_once(request, owner=owner, operation=operation, atomic=atomic)

    return send


def answer(status, text="first"):
    return lambda: HttpResponse(text, status=status)


@pytest.mark.parametrize(("status", "is_stored"), [(200, True), (404, True), (499, True), (500, False)])
def test_what_is_not_of_the_requests_making_may_succeed_later(send, status, is_stored):
    assert send(answer(status)).status_code == status
    again = send(answer(200, "second"))
    assert (again.status_code, again.content) == ((status, b"first") if is_stored else (200, b"second"))
    assert again.has_header("Idempotent-Replayed") is is_stored


@pytest.mark.parametrize("atomic", [True, False])
def test_a_refusal_is_answered_and_stored_and_with_atomic_nothing_else(send, atomic):
    def refuse():
        OutboxEvent.objects.create(type="t", aggregate="a")
        raise Problem("not so")

    first, second = send(refuse, atomic=atomic), send(refuse, atomic=atomic)
    assert (first.status_code, first.content) == (400, second.content)
    assert OutboxEvent.objects.count() == (0 if atomic else 1)


def test_a_failure_of_ours_is_not_stored(send):
    with pytest.raises(ZeroDivisionError):
        send(lambda: 1 / 0)
    assert send(answer(200)).content == b"first"


@pytest.mark.parametrize("owner", [None, ""])
def test_nothing_is_stored_for_a_caller_without_a_name(send, owner):
    assert [send(answer(200, text), owner=owner).content for text in ("a", "b")] == [b"a", b"b"]
    assert not IdempotentResponse.objects.exists()


@pytest.mark.parametrize("change", [{"owner": "user:2"}, {"path": "/y"}])
def test_a_key_belongs_to_its_caller_and_its_path(send, change):
    send(answer(200))
    assert send(answer(200, "second"), **change).content == b"second"


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "\x7f", "ä"])
def test_what_is_no_key_is_refused(rf, key):
    with pytest.raises(KeyMissing):
        get_idempotency_key(rf.post("/x", headers={"Idempotency-Key": key}))


@pytest.mark.parametrize("key", ["!", "~", "k" * 255])
def test_a_key_is_any_printable_text(rf, key):
    assert get_idempotency_key(rf.post("/x", headers={"Idempotency-Key": f" {key} "})) == key
