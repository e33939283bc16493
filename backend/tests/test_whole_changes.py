"""A change that fails on its way leaves nothing of itself behind: neither stock, nor state, nor an event."""

from __future__ import annotations

import pytest

from carts import services as carts
from carts.models import Cart, CartLine
from carts.services import cart_line_add, cart_line_set, cart_merge
from catalog.stock import stock_adjust
from orders import services as orders
from orders.transitions import TransitionNotAllowed
from payments import refunds, webhooks
from payments import services as payments
from payments.models import Payment, Refund
from payments.services import order_refund, payment_settle
from tests.shop import SILENT, Person, stock_of, variant_make

pytestmark = pytest.mark.django_db(transaction=True)


class Broken(Exception):
    """What a step of a change fails with."""


def broken(*args, **kwargs):
    raise Broken


@pytest.fixture
def buyer():
    variant_make("A", units=5)
    return Person()


def fail(act, *args, **kwargs):
    with pytest.raises(Broken):
        act(*args, **kwargs)


def test_an_order_that_fails_keeps_the_cart_and_the_stock(buyer, monkeypatch):
    buyer.put_in_cart("A", 2)
    monkeypatch.setattr(orders, "event_record", broken)
    cart = Cart.objects.get()
    fail(orders.order_place, buyer=orders.Buyer(user=None, token_digest=cart.token_digest), email="a@b.de")
    assert stock_of("A") == (5, 0)
    assert CartLine.objects.get().quantity == 2
    assert not orders.Order.objects.exists()


@pytest.mark.parametrize("change", [orders.order_pay, orders.order_cancel])
def test_an_order_that_cannot_be_closed_stays_open_with_its_stock(buyer, monkeypatch, change):
    number = buyer.order("A", 2)
    monkeypatch.setattr(orders, "event_record", broken)
    fail(change, order_id=orders.Order.objects.get().pk)
    assert (buyer.state_of(number), stock_of("A")) == ("pending_payment", (5, 2))


@pytest.mark.parametrize("change", [orders.order_fulfil, orders.order_mark_refunded])
def test_a_paid_order_stays_paid_where_its_change_fails(buyer, monkeypatch, change):
    number = buyer.order("A", 2)
    buyer.pay(number)
    monkeypatch.setattr(orders, "event_record", broken)
    fail(change, order_id=orders.Order.objects.get().pk)
    assert (buyer.state_of(number), stock_of("A")) == ("paid", (3, 0))


def test_a_reservation_whose_end_fails_goes_on(buyer, monkeypatch):
    number = buyer.order("A", 2)
    monkeypatch.setattr(orders, "event_record", broken)
    fail(orders._expire_order, orders.Order.objects.get())
    assert (buyer.state_of(number), stock_of("A")) == ("pending_payment", (5, 2))


def test_a_payment_whose_settlement_fails_stays_open(buyer, monkeypatch):
    number = buyer.order("A")
    buyer.pay(number, SILENT)
    monkeypatch.setattr(payments, "event_record", broken)
    fail(
        payment_settle,
        reference=Payment.objects.get().reference,
        outcome=payments.Outcome(state="succeeded"),
    )
    assert (buyer.state_of(number), Payment.objects.get().state) == ("pending_payment", "pending")


def test_a_refund_that_cannot_be_decided_is_none(buyer, monkeypatch):
    number = buyer.order("A")
    buyer.pay(number)
    monkeypatch.setattr(payments, "close_if_all_goes_back", broken)
    fail(order_refund, order_id=orders.Order.objects.get().pk, by_customer=True)
    assert not Refund.objects.exists()


def test_a_part_that_a_provider_reports_is_recorded_whole_or_not(buyer, monkeypatch):
    number = buyer.order("A")
    buyer.pay(number)
    payment = Payment.objects.get()
    monkeypatch.setattr(webhooks, "refund_succeed", broken)
    message = webhooks.Message(
        event_id="e", type="payment.refunded", reference=payment.reference, amount=payment.amount / 2,
        currency="EUR", outcome=payments.Outcome(state="refunded"), refund_reference="r",
    )  # fmt: skip
    fail(webhooks._record_part, payment, message)
    assert not Refund.objects.exists()


def test_a_refund_whose_record_fails_is_still_pending(buyer, monkeypatch):
    buyer.pay(buyer.order("A"))
    payment = Payment.objects.get()
    refund = refunds.refund_start(payment=payment, amount=payment.amount / 2, reason="x")
    monkeypatch.setattr(refunds, "event_record", broken)
    fail(payments._settle_refund, refund.pk)
    assert Refund.objects.get().state == "pending"


def test_a_line_that_cannot_be_stored_does_not_touch_the_cart(buyer, monkeypatch):
    buyer.put_in_cart("A")
    cart = Cart.objects.get()
    monkeypatch.setattr(carts, "_save_line", broken)
    for change in (cart_line_add, cart_line_set):
        fail(change, cart=cart, sku="A", quantity=2)
    assert Cart.objects.get().updated_at == cart.updated_at


def test_a_merge_that_fails_moves_nothing(buyer, monkeypatch):
    buyer.put_in_cart("A")
    source = Cart.objects.get()
    ann = Person()
    ann.register()
    user = carts.User.objects.get()
    monkeypatch.setattr(Cart, "delete", broken)
    fail(cart_merge, source=source, user=user)
    assert CartLine.objects.get().cart == source


def test_an_adjustment_without_its_record_does_not_happen(buyer, monkeypatch):
    item = orders.StockItem.objects.get()
    monkeypatch.setattr("catalog.stock.invalidate_stock", broken)
    fail(stock_adjust, item=item, change=3, reason="found", made_by="x")
    assert stock_of("A") == (5, 0)


@pytest.mark.parametrize("change", [orders.order_pay, orders.order_fulfil, orders.order_mark_refunded])
def test_an_order_that_was_cancelled_is_not_revived(buyer, change):
    number = buyer.order("A", 2)
    orders.order_cancel(order_id=orders.Order.objects.get().pk)
    with pytest.raises(TransitionNotAllowed):
        change(order_id=orders.Order.objects.get().pk)
    assert (buyer.state_of(number), stock_of("A")) == ("cancelled", (5, 0))


@pytest.mark.parametrize(("change", "units"), [(-1, 0), (999_999_999, 1_000_000_000)])
def test_stock_is_adjusted_up_to_its_limits(buyer, change, units):
    item = orders.StockItem.objects.get()
    stock_adjust(item=item, change=-4, reason="lost", made_by="x")
    stock_adjust(item=item, change=change, reason="counted", made_by="x")
    assert stock_of("A") == (units, 0)
    if units:
        stock_adjust(item=item, change=-1, reason="lost", made_by="x")
        assert stock_of("A") == (units - 1, 0)
