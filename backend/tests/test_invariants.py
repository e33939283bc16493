"""`check_invariants`: each of its books is seen broken once, and named."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.models import StockItem
from core.models import IdempotentResponse
from events.models import OutboxEvent
from operations.invariants import INVARIANTS
from orders.models import Order, OrderLine
from payments.models import Payment, Refund
from tests.shop import Person, variant_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """A shop with a paid and a pending order, whose database accepts anything."""
    variant_make("A", units=9)
    person = Person()
    paid = person.order("A", 2)
    person.pay(paid)
    person.order("A", 1)
    call_command("check_invariants")
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            cursor.execute(
                "SELECT conname FROM pg_constraint"
                " WHERE conrelid = 'catalog_stockitem'::regclass AND contype = 'c'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"ALTER TABLE catalog_stockitem DROP CONSTRAINT {name}")
        cursor.execute("DROP INDEX payments_one_live_an_order")
        yield Order.objects.get(number=paid)
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def pay_again(order):
    payment = Payment.objects.get()
    payment.pk, payment.reference, payment.request_key = None, "pay_again", "again"
    payment.save(force_insert=True)


BROKEN = {
    "No stock is negative or reserved beyond what is on hand": lambda order: StockItem.objects.update(
        initial=0, on_hand=-2
    ),
    "On hand = initial + adjustments - sold": lambda order: StockItem.objects.update(on_hand=6),
    "Reserved = units of pending orders": lambda order: StockItem.objects.update(reserved=2),
    "A paid order has one payment that succeeded": lambda order: Payment.objects.update(state="declined"),
    "A succeeded payment belongs to a paid order": lambda order: Order.objects.filter(pk=order.pk).update(
        state="cancelled"
    ),
    "No order is charged twice": pay_again,
    "A payment's amount is its order's total": lambda order: Payment.objects.update(currency="USD"),
    "No more goes back than was paid": lambda order: Refund.objects.create(
        payment=Payment.objects.get(), amount=Decimal("20.01")
    ),
    "A refunded payment went back in full": lambda order: Refund.objects.create(
        payment=Payment.objects.get(), amount=Decimal("20.00")
    ),
    "An order's total is the sum of its lines": lambda order: OrderLine.objects.filter(order=order).update(
        unit_price="9.99"
    ),
    "Every order's state is announced in the outbox": lambda order: OutboxEvent.objects.filter(
        type="order.paid"
    ).delete(),
    "A stored response names what exists": lambda order: IdempotentResponse.objects.create(
        scope="s",
        key="k",
        fingerprint="",
        status=201,
        content_type="application/json",
        body=b'{"number": "0"}',
    ),
}


def test_every_book_is_broken_here_once():
    assert list(BROKEN) == [one.sentence for one in INVARIANTS]


@pytest.mark.parametrize("sentence", list(BROKEN))
def test_a_broken_book_is_named(shop, capsys, sentence):
    BROKEN[sentence](shop)
    capsys.readouterr()
    with pytest.raises(CommandError, match="invariants are broken"):
        call_command("check_invariants")
    assert f"BROKEN {sentence}\n" in capsys.readouterr().out
