"""Locks of rows, between two connections."""

import threading
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import User
from carts.models import Cart, CartLine
from carts.services import cart_line_add, cart_merge
from catalog.models import Category
from core.problems import NotFound
from core.rounds import run_due
from core.tokens import token_digest
from operations import purge
from payments.models import SandboxCharge
from tests.servers import wait_until
from tests.shop import variant_make

pytestmark = pytest.mark.django_db(transaction=True)


def waiting_for_locks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


@contextmanager
def elsewhere(act):
    """Run a function on another connection, until it ended or waits for a lock; at the end it has ended."""

    def run():
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: not thread.is_alive() or waiting_for_locks(), "it ends, or waits")
    yield
    thread.join(20)


def test_nothing_is_lost_that_is_put_into_a_cart_while_it_is_merged():
    variant_make("A")
    variant_make("B")
    user = User.objects.create_user("ann@example.com", "x")
    source = Cart.objects.create(token_digest=token_digest("t"))
    cart_line_add(cart=source, sku="A", quantity=1)
    same = Cart.objects.get(pk=source.pk)
    outcome = []

    def add():
        try:
            cart_line_add(cart=same, sku="B", quantity=1)
            outcome.append("added")
        except NotFound:
            outcome.append("refused")
        finally:
            connection.close()

    with transaction.atomic():
        cart_merge(source=source, user=user)
        thread = threading.Thread(target=add)
        thread.start()
        wait_until(waiting_for_locks, "the second request waits")
    thread.join(20)
    assert outcome == ["refused"]
    assert list(CartLine.objects.values_list("variant__sku", flat=True)) == ["A"]


def test_a_line_that_is_added_first_is_merged():
    variant_make("A")
    user = User.objects.create_user("ann@example.com", "x")
    source = Cart.objects.create(token_digest=token_digest("t"))

    def merge():
        cart_merge(source=source, user=user)
        connection.close()

    with transaction.atomic():
        cart_line_add(cart=source, sku="A", quantity=1)
        thread = threading.Thread(target=merge)
        thread.start()
        wait_until(waiting_for_locks, "the merge waits")
    thread.join(20)
    assert list(CartLine.objects.values_list("cart__user", "variant__sku")) == [(user.pk, "A")]


def test_two_moves_at_once_put_no_category_below_itself():
    lamps, desks = (Category.objects.create(name=name, slug=name) for name in ("lamps", "desks"))
    other = Category.objects.get(pk=desks.pk)
    outcome = []

    def move():
        try:
            other.parent = Category.objects.get(pk=lamps.pk)
            other.save()
            outcome.append("moved")
        except ValidationError:
            outcome.append("refused")
        finally:
            connection.close()

    with transaction.atomic():
        lamps.parent = desks
        lamps.save()
        thread = threading.Thread(target=move)
        thread.start()
        wait_until(waiting_for_locks, "the second move waits")
    thread.join(20)
    assert outcome == ["refused"]
    assert dict(Category.objects.values_list("slug", "path")) == {"desks": "desks/", "lamps": "desks/lamps/"}


def test_a_cart_that_is_used_while_it_is_purged_lives_on():
    now = timezone.now()
    used, forgotten = (Cart.objects.create(token_digest=text * 64) for text in "uf")
    Cart.objects.update(updated_at=now - purge.CARTS_AFTER - timedelta(days=1))
    with ExitStack() as after, transaction.atomic():
        Cart.objects.filter(pk=used.pk).update(updated_at=now)
        after.enter_context(elsewhere(lambda: purge.purge(now=now)))
    assert list(Cart.objects.all()) == [used]
    assert forgotten.pk != used.pk


def test_a_row_that_somebody_holds_keeps_no_other_from_its_turn():
    now = timezone.now()
    fields = {"amount": 1, "currency": "EUR", "outcome": "succeeded", "answers_at": now}
    held, free = (SandboxCharge.objects.create(reference=name, **fields) for name in ("held", "free"))
    reached = []

    def act(charge):
        with transaction.atomic():
            reached.append(SandboxCharge.objects.select_for_update().get(pk=charge.pk))
        return 1

    with ExitStack() as after, transaction.atomic():
        SandboxCharge.objects.select_for_update().get(pk=held.pk)
        after.enter_context(elsewhere(lambda: run_due(act, SandboxCharge.objects.all())))
        assert reached == [free]


def test_a_row_whose_statement_takes_too_long_waits_for_its_next_turn():
    now = timezone.now()
    fields = {"amount": 1, "currency": "EUR", "outcome": "succeeded", "answers_at": now}
    slow, fast = (SandboxCharge.objects.create(reference=name, **fields) for name in ("slow", "fast"))
    reached = []

    def act(charge):
        reached.append(charge)
        if charge == slow:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 1; SELECT pg_sleep(20)")
        return 1

    with pytest.raises(OperationalError, match="statement timeout"):
        run_due(act, SandboxCharge.objects.all())
    assert reached == [slow, fast]
    assert [charge.attempts for charge in SandboxCharge.objects.order_by("id")] == [1, 0]
