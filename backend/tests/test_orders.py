"""Checkout and orders: reserving, paying once, expiring, and the one table of states."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import stock
from catalog.models import StockItem, Variant
from core.models import IdempotentResponse
from events.models import OutboxEvent
from orders.models import Order, OrderState
from orders.services import orders_expire
from orders.transitions import ALLOWED, TransitionNotAllowed, ensure_transition_allowed
from tests.shop import DECLINED, Person, stock_of, variant_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    variant_make("A", units=5, price="12.34")
    yield Person()
    call_command("check_invariants", verbosity=0)


def test_checkout_reserves_copies_and_empties_the_cart(person):
    number = person.order("A", 2)
    order = person.send("GET", f"/orders/{number}").json()
    assert (order["state"], order["total"]["amount"], order["lines"][0]["quantity"]) == (
        "pending_payment",
        "24.68",
        2,
    )
    assert stock_of("A") == (5, 2)
    assert person.send("GET", "/cart").json()["lines"] == []


def test_prices_of_an_order_do_not_follow_the_catalogue(person):
    number = person.order("A")
    Variant.objects.update(price="99.00")
    assert person.send("GET", f"/orders/{number}").json()["total"]["amount"] == "12.34"


def test_an_empty_cart_cannot_be_bought(person):
    person.put_in_cart("A")
    person.send("DELETE", "/cart/lines/A")
    assert person.check_out().json()["type"] == "urn:shop:problem:cart-empty"


def test_an_order_whose_total_is_beyond_what_can_be_stored_cannot_be_placed(db):
    person = Person()
    for sku in ("B", "C"):
        variant_make(sku, units=99, price="9999999999.99")
        person.put_in_cart(sku, 99)
    response = person.check_out()
    assert (response.status_code, response.json()["type"]) == (409, "urn:shop:problem:total-too-large")
    assert not Order.objects.exists()


def test_more_than_there_is_cannot_be_bought(person):
    person.put_in_cart("A", 6)
    response = person.check_out()
    assert response.status_code == 409
    assert response.json()["errors"] == [{"location": ["cart", "A"], "message": "not-enough"}]
    assert stock_of("A") == (5, 0)
    assert not Order.objects.exists()


def test_what_others_reserved_cannot_be_bought(person):
    person.order("A", 5)
    late = Person()
    late.put_in_cart("A")
    assert late.check_out().status_code == 409


def test_the_stock_itself_refuses_more_units_than_are_free(person):
    """Of those who pass the look at the cart at the same moment, too: this is the step that decides."""
    person.order("A", 4)
    item = StockItem.objects.get(code="A")
    with pytest.raises(stock.OutOfStock), transaction.atomic():
        stock.stock_reserve(units={item.pk: 2})
    assert stock_of("A") == (5, 4)


def test_two_lines_of_one_stock_item_count_together(person):
    variant_make("A2", stock=StockItem.objects.get(code="A"))
    person.put_in_cart("A", 3)
    person.put_in_cart("A2", 2)
    assert person.check_out().status_code == 201
    assert stock_of("A") == (5, 5)


def test_checkout_without_a_key_is_400(person):
    person.put_in_cart("A")
    response = person.send("POST", "/checkout", {})
    assert response.status_code == 400
    assert response.json()["type"] == "urn:shop:problem:idempotency-key-missing"


def test_the_same_key_answers_the_same_bytes_and_orders_once(person):
    person.put_in_cart("A")
    first, second = person.check_out(key="k"), person.check_out(key="k")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second["Idempotent-Replayed"] == "true"
    assert Order.objects.count() == 1


def test_a_failure_is_answered_again_too(person):
    person.put_in_cart("A", 6)
    first, second = person.check_out(key="k"), person.check_out(key="k")
    assert first.status_code == second.status_code == 409
    assert first.content == second.content


def test_the_same_key_with_another_body_is_422(person):
    person.put_in_cart("A")
    person.check_out(key="k")
    response = person.check_out(key="k", email="b@example.com")
    assert response.status_code == 422
    assert response.json()["type"] == "urn:shop:problem:idempotency-key-reused"


def test_a_key_in_flight_is_409(person, monkeypatch):
    from orders import services

    person.put_in_cart("A")
    seen = []
    place = services.order_place

    def while_placing(**arguments):
        if not seen:
            seen.append(None)
            seen.append(person.check_out(key="k"))
        return place(**arguments)

    monkeypatch.setattr(services, "order_place", while_placing)
    assert person.check_out(key="k").status_code == 201
    assert seen[1].json()["type"] == "urn:shop:problem:idempotency-in-flight"


def test_keys_of_different_buyers_do_not_meet(person):
    other = Person()
    for one in (person, other):
        one.put_in_cart("A")
        assert one.check_out(key="k").status_code == 201
    assert Order.objects.count() == 2


def test_a_key_is_forgotten_after_a_day(person):
    person.put_in_cart("A", 2)
    first = person.check_out(key="k")
    IdempotentResponse.objects.update(created_at=timezone.now() - timedelta(hours=25))
    person.put_in_cart("A")
    assert person.check_out(key="k").json()["number"] != first.json()["number"]


def test_callers_without_cart_and_account_share_no_keys(person):
    bodies = ({"email": "a@example.com"}, {"email": "b@example.com"})
    answers = [Person().send("POST", "/checkout", body, Idempotency_Key="k") for body in bodies]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert not IdempotentResponse.objects.exists()


def test_cancelling_frees_the_stock_once(person):
    number = person.order("A", 2)
    assert person.send("POST", f"/orders/{number}/cancel").json()["state"] == "cancelled"
    assert person.send("POST", f"/orders/{number}/cancel").status_code == 409
    assert stock_of("A") == (5, 0)


def test_an_order_expires_once_and_frees_its_stock(person):
    number = person.order("A", 2)
    later = timezone.now() + timedelta(minutes=16)
    assert orders_expire() == 0
    assert orders_expire(now=later) == 1
    assert orders_expire(now=later) == 0
    assert stock_of("A") == (5, 0)
    assert person.state_of(number) == "expired"
    assert person.pay(number).status_code == 409


def test_an_order_beyond_help_keeps_no_other_from_expiring(person):
    spoilt, sound = person.order("A"), person.order("A")
    lines = Order.objects.get(number=spoilt).lines
    lines.update(quantity=99)  # more than is reserved
    with pytest.raises(IntegrityError):
        orders_expire(now=timezone.now() + timedelta(minutes=16))
    assert (person.state_of(spoilt), person.state_of(sound)) == ("pending_payment", "expired")
    lines.update(quantity=1)


def test_a_paid_order_does_not_expire(person):
    number = person.order("A")
    person.pay(number)
    assert orders_expire(now=timezone.now() + timedelta(days=1)) == 0
    assert stock_of("A") == (4, 0)


def test_a_refund_before_handing_over_restocks(person):
    number = person.order("A", 2)
    person.pay(number)
    assert stock_of("A") == (3, 0)
    assert person.send("POST", f"/orders/{number}/refund").json()["state"] == "refunded"
    assert stock_of("A") == (5, 0)
    assert person.send("POST", f"/orders/{number}/refund").status_code == 409


def test_a_customer_cannot_refund_what_was_handed_over_but_staff_can(person):
    from orders.services import order_fulfil
    from payments.services import order_refund

    number = person.order("A", 2)
    person.pay(number)
    order = Order.objects.get(number=number)
    order_fulfil(order_id=order.pk)
    assert person.send("POST", f"/orders/{number}/refund").status_code == 409
    order_refund(order_id=order.pk, by_customer=False)
    assert person.state_of(number) == "refunded"
    assert stock_of("A") == (3, 0)


@pytest.mark.parametrize("present", OrderState.values)
@pytest.mark.parametrize("wanted", OrderState.values)
def test_only_the_table_decides_about_states(present, wanted):
    if wanted in ALLOWED[present]:
        ensure_transition_allowed(present, wanted)
    else:
        with pytest.raises(TransitionNotAllowed):
            ensure_transition_allowed(present, wanted)


def test_orders_are_listed_newest_first_in_pages(person):
    numbers = [person.order("A") for _ in range(3)]
    page = person.send("GET", "/orders?limit=2").json()
    rest = person.send("GET", f"/orders?limit=2&cursor={page['next']}").json()
    assert [order["number"] for order in page["items"] + rest["items"]] == numbers[::-1]
    assert rest["next"] is None


def test_every_step_leaves_an_event_in_order(person):
    number = person.order("A")
    person.pay(number, DECLINED)
    person.pay(number)
    person.send("POST", f"/orders/{number}/refund")
    types = list(OutboxEvent.objects.filter(aggregate=f"order:{number}").values_list("type", flat=True))
    assert types == [
        "order.placed",
        "payment.declined",
        "order.paid",
        "payment.succeeded",
        "order.refunded",
        "refund.succeeded",
        "payment.refunded",
    ]


def test_the_invariants_notice_a_lost_unit(person, capsys):
    StockItem.objects.update(on_hand=4)
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="1 of 12"):
        call_command("check_invariants")
    assert "BROKEN On hand = initial + adjustments - sold" in capsys.readouterr().out
    StockItem.objects.update(on_hand=5)
