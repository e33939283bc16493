"""Seeding: past orders with structure in them, and totals instead of additions."""

from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Product, StockItem
from orders.models import Order, OrderLine

pytestmark = pytest.mark.django_db


def test_seeding_fills_up_and_keeps_every_invariant(capsys):
    call_command("seed", products=50, orders=20)
    call_command("seed", products=60, orders=30)
    assert (Product.objects.count(), Order.objects.count()) == (60, 30)
    call_command("check_invariants", verbosity=0)


def test_past_orders_do_not_use_up_todays_stock():
    call_command("seed", products=50, orders=0, verbosity=0)
    before = dict(StockItem.objects.values_list("code", "on_hand"))
    call_command("seed", products=50, orders=100, verbosity=0)
    assert dict(StockItem.objects.values_list("code", "on_hand")) == before


def test_customers_have_tastes(capsys):
    call_command("seed", products=300, orders=600)
    bought = {}
    for email, category in OrderLine.objects.values_list("order__email", "variant__product__category"):
        bought.setdefault(email, Counter())[category] += 1
    loyal = [sum(sorted(shelves.values())[-2:]) / sum(shelves.values()) for shelves in bought.values()]
    assert sum(loyal) / len(loyal) > 0.75


@pytest.mark.parametrize("number", [-1, 10**9])
def test_senseless_numbers_are_refused(number):
    with pytest.raises(CommandError, match="must be between"):
        call_command("seed", products=number)
