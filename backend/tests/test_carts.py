"""Carts: adding, changing, limits, totals, and what became unavailable."""

import pytest

from carts.models import Cart
from catalog.models import Product, StockItem
from tests.shop import Person, variant_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> Person:
    variant_make("A", units=10, price="10.10")
    variant_make("B", units=3, price="0.05")
    return Person()


def test_a_cart_is_made_by_the_first_thing_put_in(person):
    cart = person.put_in_cart("A", 2).json()
    assert len(cart["token"]) == 43
    assert cart["total"] == {"amount": "20.20", "currency": "EUR"}
    assert person.put_in_cart("B").json()["token"] is None
    assert person.send("GET", "/cart").json()["total"]["amount"] == "20.25"


def test_adding_again_adds_up(person):
    person.put_in_cart("A", 2)
    assert person.put_in_cart("A", 3).json()["lines"][0]["quantity"] == 5


def test_a_line_is_set_and_removed(person):
    person.put_in_cart("A")
    assert person.send("PUT", "/cart/lines/A", {"quantity": 7}).json()["lines"][0]["quantity"] == 7
    assert person.send("DELETE", "/cart/lines/A").json()["lines"] == []
    assert person.send("DELETE", "/cart/lines/A").status_code == 200


def test_an_unknown_sku_is_not_found(person):
    assert person.put_in_cart("NONE").status_code == 404
    assert not Cart.objects.exists()  # whose token nobody was told


def test_an_unknown_token_has_no_cart(person):
    assert Person(headers={"X-Cart-Token": "y" * 43}).send("GET", "/cart").status_code == 404


@pytest.mark.parametrize("quantity", [0, -1, 100, 1.5, "2", None, 10**30, True])
def test_wrong_quantities_are_refused(person, quantity):
    response = person.send("POST", "/cart/lines", {"sku": "A", "quantity": quantity})
    assert response.status_code == 422


def test_a_line_holds_at_most_99_units(person):
    person.put_in_cart("A", 99)
    assert person.put_in_cart("A", 1).json()["type"] == "urn:shop:problem:cart-full"


def test_a_cart_holds_at_most_50_lines(person):
    for number in range(50):
        variant_make(f"N{number}")
        assert person.put_in_cart(f"N{number}").status_code == 201
    assert person.put_in_cart("A").status_code == 409


@pytest.mark.parametrize("state", [Product.State.DRAFT, Product.State.ARCHIVED])
def test_what_is_not_published_cannot_be_put_into_a_cart(person, state):
    Product.objects.filter(variants__sku="A").update(state=state)
    assert person.put_in_cart("A").status_code == 404


def test_unavailable_lines_are_reported_and_not_counted(person):
    person.put_in_cart("A")
    person.put_in_cart("B", 3)
    Product.objects.filter(variants__sku="A").update(state=Product.State.ARCHIVED)
    StockItem.objects.filter(code="B").update(on_hand=2)
    cart = person.send("GET", "/cart").json()
    assert [line["notice"] for line in cart["lines"]] == ["no-longer-sold", "not-enough"]
    assert cart["total"]["amount"] == "0.00"


def test_lines_that_share_stock_count_together(person):
    shared = StockItem.objects.get(code="B")
    variant_make("B2", stock=shared)
    person.put_in_cart("B", 2)
    cart = person.put_in_cart("B2", 2).json()
    assert [line["notice"] for line in cart["lines"]] == ["not-enough", "not-enough"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"sku": 1}', b"\xff\xfe", b'{"sku":"A","more":1}']
)
def test_bodies_that_make_no_sense_are_problems(person, body):
    response = person.client.post("/api/v1/cart/lines", body, content_type="application/json")
    assert response.status_code in {400, 422}
    assert response["Content-Type"] == "application/problem+json"


def test_a_body_beyond_the_limit_is_413(person):
    response = person.client.post(
        "/api/v1/cart/lines", b'{"sku":"' + b"A" * 2_000_000 + b'"}', content_type="application/json"
    )
    assert response.status_code == 413


def test_a_cart_costs_the_same_queries_whatever_its_size(person, django_assert_num_queries):
    person.put_in_cart("A")
    person.put_in_cart("B")
    with django_assert_num_queries(2):
        person.send("GET", "/cart")


@pytest.mark.parametrize(
    ("reserved", "notice"), [(3, ""), (4, "not-enough"), (5, "sold-out"), (2, "")], ids=str
)
def test_a_line_says_what_is_missing(reserved, notice):
    variant_make("A", units=5)
    person = Person()
    person.put_in_cart("A", 2)
    StockItem.objects.update(reserved=reserved)
    assert (person.send("GET", "/cart").json()["lines"][0]["notice"] or "") == notice
