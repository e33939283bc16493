"""What a customer's cart holds after a login: the limits of a cart are those of a merged one, too."""

import pytest

from accounts.models import User
from carts.models import Cart, CartLine
from carts.services import MAXIMUM_LINES, MAXIMUM_QUANTITY, cart_merge
from tests.shop import Person, variant_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return User.objects.create_user("ann@example.com")


def put(cart, quantity, *skus):
    for sku in skus:
        CartLine.objects.create(cart=cart, variant=variant_make(sku), quantity=quantity)


def quantities(user):
    return dict(CartLine.objects.filter(cart__user=user).values_list("variant__sku", "quantity"))


@pytest.mark.parametrize(("more", "together"), [(3, 98), (4, 99), (5, 99)])
def test_units_of_both_carts_add_up_to_the_limit(user, more, together):
    target, source = Cart.objects.create(user=user), Cart.objects.create(token_digest="t")
    put(target, MAXIMUM_QUANTITY - 4, "A")
    CartLine.objects.create(cart=source, variant=CartLine.objects.get().variant, quantity=more)
    cart_merge(source=source, user=user)
    assert quantities(user) == {"A": together}


def test_as_many_products_come_along_as_a_cart_holds(user):
    target, source = Cart.objects.create(user=user), Cart.objects.create(token_digest="t")
    put(target, 1, *(f"T{number}" for number in range(MAXIMUM_LINES - 2)))
    put(source, 2, "A", "B", "C")
    cart_merge(source=source, user=user)
    merged = quantities(user)
    assert len(merged) == MAXIMUM_LINES
    assert (merged["A"], merged["B"], "C" in merged) == (2, 2, False)


def test_a_cart_that_belongs_to_somebody_is_not_merged(user):
    other = Cart.objects.create(user=User.objects.create_user("eve@example.com"))
    put(other, 1, "A")
    cart_merge(source=other, user=user)
    assert (quantities(user), quantities(other.user)) == ({}, {"A": 1})


def test_a_customer_has_one_cart_and_no_token_for_it():
    variant_make("A"), variant_make("B")
    ann = Person()
    ann.register()
    answers = [ann.put_in_cart(sku).json() for sku in ("A", "B")]
    assert [answer["token"] for answer in answers] == [None, None]
    assert Cart.objects.get().user.email == "ann@example.com"


def test_only_a_new_anonymous_cart_has_a_token_to_tell():
    variant_make("A"), variant_make("B")
    person = Person()
    first, second = person.put_in_cart("A").json(), person.put_in_cart("B").json()
    assert first["token"]
    assert second["token"] is None
    assert Cart.objects.count() == 1
