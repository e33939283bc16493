"""The worker's rounds: hopeless rows wait ever longer and starve no other; what is outdated is deleted."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import AccessToken, User
from carts.models import Cart
from core import rounds
from core.models import IdempotentResponse
from core.rounds import run_due
from events.models import OutboxEvent
from operations import purge
from operations.worker import Worker
from orders.models import Order
from orders.services import orders_expire
from payments.models import SandboxCharge, WebhookEvent
from tests.shop import Person, stock_of, variant_make

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SECOND = timedelta(seconds=1)


def charges(count):
    fields = {"amount": 1, "currency": "EUR", "outcome": "succeeded", "answers_at": NOW}
    for number in range(count):
        SandboxCharge.objects.create(reference=f"r{number}", next_attempt_at=NOW - SECOND, **fields)


def test_hopeless_rows_do_not_starve_the_next_one():
    charges(rounds.BATCH + 1)
    last = f"r{rounds.BATCH}"
    reached = []

    def act(charge):
        reached.append(charge.reference)
        if charge.reference != last:
            raise ValueError("hopeless")
        return 1

    for _ in range(2):
        with suppress(ValueError):
            run_due(act, SandboxCharge.objects.all(), now=NOW)
    assert last in reached
    assert len(reached) == rounds.BATCH + 1


def test_a_round_tells_its_first_failure_after_the_last_row():
    charges(3)
    reached = []

    def act(charge):
        reached.append(charge.reference)
        raise ValueError(charge.reference)

    with pytest.raises(ValueError, match="r0"):
        run_due(act, SandboxCharge.objects.all(), now=NOW)
    assert reached == ["r0", "r1", "r2"]


def test_a_row_waits_twice_as_long_after_every_failure():
    charges(1)
    pauses, now = [], NOW
    for _ in range(12):
        assert run_due(lambda charge: 0, SandboxCharge.objects.all(), now=now) == 0
        due = SandboxCharge.objects.get().next_attempt_at
        pauses.append((due - now) // SECOND)
        assert run_due(lambda charge: 1, SandboxCharge.objects.all(), now=due - SECOND / 2) == 0
        now = due
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


def test_expiry_reaches_an_order_behind_hopeless_ones(monkeypatch):
    monkeypatch.setattr(rounds, "BATCH", 2)
    variant_make("A", units=9)
    person = Person()
    numbers = [person.order("A") for _ in range(3)]
    Order.objects.exclude(number=numbers[2]).update(state="pending_payment", expires_at=NOW - SECOND)
    for number in numbers[:2]:
        Order.objects.get(number=number).lines.update(quantity=99)  # more than is reserved
    later = NOW + timedelta(hours=1)
    for _ in range(2):
        with suppress(IntegrityError):
            orders_expire(now=later)
    assert person.state_of(numbers[2]) == "expired"


def rows_of(kind, moment):
    """Store a row of a kind that was last used at a moment; return its model and key."""
    number = str(moment.timestamp())
    if kind == "anonymous carts":
        row = Cart.objects.create(token_digest=number)
        Cart.objects.filter(pk=row.pk).update(updated_at=moment, created_at=moment)
    elif kind == "relayed events":
        row = OutboxEvent.objects.create(type="t", aggregate="a", relayed_at=moment)
    elif kind == "webhooks":
        row = WebhookEvent.objects.create(provider="p", event_id=number, type="t", reference="r")
        WebhookEvent.objects.filter(pk=row.pk).update(received_at=moment)
    elif kind == "sessions":
        row = Session.objects.create(session_key=number, session_data="", expire_date=moment)
    elif kind == "idempotency keys":
        row = IdempotentResponse.objects.create(scope="s", key=number, fingerprint="", status=200, body=b"")
        IdempotentResponse.objects.filter(pk=row.pk).update(created_at=moment)
    else:
        user = User.objects.create_user(f"{number}@example.com")
        row = AccessToken.objects.create(user=user, digest=number, expires_at=moment)
    return type(row), row.pk


AGES = {
    "anonymous carts": purge.CARTS_AFTER,
    "relayed events": purge.EVENTS_AFTER,
    "webhooks": purge.WEBHOOKS_AFTER,
    "sessions": timedelta(),
    "idempotency keys": timedelta(hours=24),
    "access tokens": timedelta(),
}


@pytest.mark.parametrize("kind", list(purge.OUTDATED))
def test_purge_takes_the_outdated_and_no_living_row(kind):
    outdated = rows_of(kind, NOW - AGES[kind] - SECOND)
    living = rows_of(kind, NOW - AGES[kind] + SECOND)
    assert purge.purge(now=NOW) == 1
    assert [model.objects.filter(pk=key).exists() for model, key in (outdated, living)] == [False, True]


def test_purge_takes_no_more_than_a_batch_of_each_kind_at_once(monkeypatch):
    monkeypatch.setattr(purge, "BATCH", 2)
    for kind in ("sessions", "access tokens"):
        for number in range(1, 4):
            rows_of(kind, NOW - number * SECOND)
    assert [purge.purge(now=NOW) for _ in range(3)] == [4, 2, 0]


def test_purge_takes_no_customers_cart_and_no_event_that_waits():
    old = NOW - timedelta(days=1000)
    Cart.objects.create(user=User.objects.create_user("ann@example.com"))
    OutboxEvent.objects.create(type="t", aggregate="a")
    Cart.objects.update(updated_at=old, created_at=old)
    OutboxEvent.objects.update(created_at=old)
    assert purge.purge(now=NOW) == 0


def test_a_cart_in_use_is_not_purged():
    variant_make("A")
    person = Person()
    person.put_in_cart("A")
    Cart.objects.update(updated_at=NOW - timedelta(days=1000), created_at=NOW - timedelta(days=1000))
    person.send("PUT", "/cart/lines/A", {"quantity": 3})
    assert purge.purge(now=NOW) == 0


@pytest.mark.django_db(transaction=True)  # a round closes what is left of a connection
def test_the_worker_deletes_what_is_outdated():
    rows_of("sessions", NOW - SECOND)
    Worker().run_round()
    assert not Session.objects.exists()


def test_buyers_without_account_hold_a_bounded_share_of_the_stock(settings):
    settings.ANONYMOUS_SHARE_PERCENT = 50
    variant_make("A", units=5)
    Person().order("A", 2)
    greedy = Person()
    greedy.put_in_cart("A", 2)
    response = greedy.check_out()
    assert response.status_code == 409
    assert response.json()["errors"] == [{"location": ["cart", "A"], "message": "not-enough"}]
    assert stock_of("A") == (5, 2)
    Person().order("A", 1)
    ann = Person()
    ann.register()
    ann.order("A", 2)
    assert stock_of("A") == (5, 5)


def test_the_last_unit_can_be_bought_without_an_account(settings):
    settings.ANONYMOUS_SHARE_PERCENT = 1
    variant_make("A", units=1)
    Person().order("A")
    assert stock_of("A") == (1, 1)
