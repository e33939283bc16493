"""Locks of rows, between two connections."""

import threading

import pytest
from django.db import connection, transaction

from accounts.models import User
from carts.models import Cart, CartLine
from carts.services import cart_line_add, cart_merge
from core.problems import NotFound
from core.tokens import token_digest
from tests.servers import wait_until
from tests.shop import variant_make

pytestmark = pytest.mark.django_db(transaction=True)


def waiting_for_locks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


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
