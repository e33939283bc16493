"""The whole shop under any sequence of calls: no unit and no cent ever appears or vanishes.

SHOP_MACHINE_RUNS and SHOP_MACHINE_STEPS make it long (2000 and 50); as it is it takes seconds.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta

from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from catalog.models import StockItem
from catalog.stock import stock_adjust
from core.problems import Problem
from operations.invariants import INVARIANTS
from orders.models import Order
from orders.services import order_fulfil, orders_expire
from payments import deliveries
from payments.models import Payment, Refund
from payments.services import order_refund, payments_reconcile
from tests.shop import DECLINED, GOOD, LATE, SILENT, TWICE, Person, variant_make

SKUS = ("A", "B", "B2")
EXPECTED = {200, 201, 202, 402, 404, 409}


class Shop(RuleBasedStateMachine):
    """Buyers, staff, the worker and the passing of time, in any order."""

    orders = Bundle("orders")

    @initialize()
    def open_shop(self):
        """Three things to buy, two of which share their stock."""
        variant_make("A", units=3, price="0.10")
        shared = variant_make("B", units=4, price="19.99").stock_item
        variant_make("B2", stock=shared, price="5.00")
        self.checkouts = 0
        self.people = [Person(), Person()]
        self.people[1].register()

    def _answered(self, response):
        assert response.status_code in EXPECTED, response.content
        return response

    @rule(who=st.integers(0, 1), sku=st.sampled_from(SKUS), quantity=st.integers(1, 3))
    def put_in_cart(self, who, sku, quantity):
        self._answered(self.people[who].put_in_cart(sku, quantity))

    @rule(who=st.integers(0, 1), sku=st.sampled_from(SKUS), quantity=st.integers(0, 3))
    def change_cart(self, who, sku, quantity):
        self._answered(self.people[who].send("PUT", f"/cart/lines/{sku}", {"quantity": quantity}))

    @rule(target=orders, who=st.integers(0, 1), twice=st.booleans())
    def check_out(self, who, twice):
        self.checkouts += 1
        key = f"checkout-{self.checkouts}"
        response = self._answered(self.people[who].check_out(key=key))
        if twice and response.status_code != 404:  # without a cart a key has no owner
            assert self.people[who].check_out(key=key).content == response.content
        return (who, response.json()["number"]) if response.status_code == 201 else multiple()

    @rule(order=orders, card=st.sampled_from((GOOD, DECLINED, SILENT, LATE, TWICE)))
    def pay(self, order, card):
        self._answered(self.people[order[0]].pay(order[1], card))

    @rule(order=orders, step=st.sampled_from(("cancel", "refund")))
    def give_back(self, order, step):
        self._answered(self.people[order[0]].send("POST", f"/orders/{order[1]}/{step}"))

    @rule(order=orders, refund=st.booleans())
    def staff_acts(self, order, refund):
        key = Order.objects.get(number=order[1]).pk
        with suppress(Problem):
            order_refund(order_id=key, by_customer=False) if refund else order_fulfil(order_id=key)

    @rule(sku=st.sampled_from(SKUS), change=st.sampled_from((-2, -1, 1, 2)))
    def stock_is_counted(self, sku, change):
        item = StockItem.objects.get(variants__sku=sku)
        with suppress(Problem):
            stock_adjust(item=item, change=change, reason="counted", made_by="machine")

    @rule(minutes=st.sampled_from((1, 20)))
    def time_passes(self, minutes):
        moment = timezone.now() + timedelta(minutes=minutes)
        past = timezone.now() - timedelta(minutes=minutes)
        Payment.objects.update(updated_at=past, next_attempt_at=past)
        Refund.objects.update(updated_at=past)
        payments_reconcile()
        orders_expire(now=moment)

    @rule()
    def webhooks_arrive(self):
        deliveries.send_due_webhooks(now=timezone.now() + timedelta(seconds=5))

    @invariant()
    def nothing_is_lost(self):
        for one in INVARIANTS:
            assert not list(one.violations()), one.sentence


WAYS = {
    "cancelled": [("give_back", {"step": "cancel"})],
    "expired": [("time_passes", {"minutes": 20})],
    "paid": [("pay", {"card": TWICE}), ("webhooks_arrive", {})],
    "fulfilled": [("pay", {"card": GOOD}), ("staff_acts", {"refund": False})],
    "refunded": [("pay", {"card": GOOD}), ("give_back", {"step": "refund"})],
}
"""Steps of an order by the state that they end in."""


class ShopTest(TestCase):
    """Run the machine, each run in a transaction of its own."""

    def test_each_way_of_an_order_keeps_every_invariant(self):
        """Each once, whatever chance finds: a short search need not come to a sale."""
        shop = Shop()
        shop.open_shop()
        for state, steps in WAYS.items():
            shop.put_in_cart(who=1, sku="B", quantity=1)
            order = shop.check_out(who=1, twice=False)
            for step, arguments in steps:
                shop.nothing_is_lost()
                of = {"order": order} if step in ("pay", "give_back", "staff_acts") else {}
                getattr(shop, step)(**of, **arguments)
            shop.nothing_is_lost()
            assert Order.objects.get(number=order[1]).state == state

    def test_any_sequence_keeps_every_invariant(self):
        """Hypothesis looks for the shortest sequence that does not."""
        from hypothesis.stateful import run_state_machine_as_test

        runs, steps = (
            int(os.environ.get("SHOP_MACHINE_RUNS", "15")),
            int(os.environ.get("SHOP_MACHINE_STEPS", "20")),
        )
        chosen = settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(self._isolated(), settings=chosen)

    def _isolated(self):
        from django.db import transaction

        class Isolated(Shop):
            """Undoes what a run did."""

            def __init__(self):
                self.point = transaction.savepoint()
                super().__init__()

            def teardown(self):
                transaction.savepoint_rollback(self.point)

        return Isolated
