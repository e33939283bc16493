"""The bounds that callers may rely on, each on both of its sides."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AccessToken
from catalog import search
from catalog.models import Product, StockItem
from catalog.stock import stock_adjust
from core.models import IdempotentResponse
from core.problems import Unprocessable
from core.throttling import TooManyRequests, password_hashing
from payments.signatures import BadSignature, sign, verify
from tests.servers import wait_until
from tests.shop import Person, stock_of, variant_make

pytestmark = pytest.mark.django_db


def test_a_cart_holds_99_units_of_a_product():
    variant_make("A", units=200)
    person = Person()
    assert person.put_in_cart("A", 99).status_code == 201
    assert person.put_in_cart("A", 1).json()["type"] == "urn:shop:problem:cart-full"
    assert person.send("PUT", "/cart/lines/A", {"quantity": 99}).status_code == 200


def test_a_cart_holds_50_products():
    for number in range(51):
        variant_make(f"S{number}")
    person = Person()
    assert {person.put_in_cart(f"S{number}").status_code for number in range(50)} == {201}
    assert person.put_in_cart("S50").json()["type"] == "urn:shop:problem:cart-full"
    assert person.put_in_cart("S49").status_code == 201


@pytest.mark.parametrize(("length", "status"), [(4096, 200), (4097, 414)])
def test_an_address_has_4096_bytes(client, length, status):
    path = "/health/?x="
    assert client.get(path + "x" * (length - len(path))).status_code == status


@pytest.mark.parametrize(("length", "status"), [(8190, 200), (8191, 431)])
def test_a_header_field_has_8190_bytes(client, length, status):
    assert client.get("/health/", headers={"X-Note": "x" * length}).status_code == status


@pytest.mark.parametrize(("length", "status"), [(255, 201), (256, 400)])
def test_an_idempotency_key_has_255_characters(length, status):
    variant_make("A")
    person = Person()
    person.put_in_cart("A")
    assert person.check_out(key="k" * length).status_code == status


@pytest.mark.parametrize(("length", "is_kept"), [(128, True), (129, False)])
def test_a_request_id_has_128_characters(client, length, is_kept):
    sent = "x" * length
    assert (client.get("/health/", headers={"X-Request-ID": sent})["X-Request-ID"] == sent) is is_kept


@pytest.mark.parametrize(("hours", "is_replayed"), [(23.9, True), (24.1, False)])
def test_a_response_is_repeated_for_24_hours(hours, is_replayed):
    variant_make("A")
    person = Person()
    person.put_in_cart("A")
    first = person.check_out(key="k")
    IdempotentResponse.objects.update(created_at=timezone.now() - timedelta(hours=hours))
    again = person.check_out(key="k")
    assert (again.content == first.content) is is_replayed
    assert ("Idempotent-Replayed" in again) is is_replayed


@pytest.mark.parametrize(("age_s", "is_valid"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_signature_is_valid_for_five_minutes(age_s, is_valid):
    signature = sign(body=b"{}", secret="s", at_s=1_000_000)
    if is_valid:
        verify(body=b"{}", secret="s", signature=signature, now_s=1_000_000 + age_s)
    else:
        with pytest.raises(BadSignature):
            verify(body=b"{}", secret="s", signature=signature, now_s=1_000_000 + age_s)


def test_a_signature_is_that_of_its_body_and_secret():
    signature = sign(body=b"{}", secret="s", at_s=1)
    for body, secret in ((b"[]", "s"), (b"{}", "t")):
        with pytest.raises(BadSignature):
            verify(body=body, secret=secret, signature=signature, now_s=1)


def test_a_search_has_ten_words(client):
    variant_make("A")
    Product.objects.update(search_text=" thing ")
    words = "thing " * 10
    assert len(client.get("/api/v1/products", {"search": words + "nothing"}).json()["items"]) == 1
    assert not client.get("/api/v1/products", {"search": words[:-6] + "nothing"}).json()["items"]
    assert search.split_words("Ärger, im_Büro") == ["arger", "im_buro"]


def test_a_login_lasts_two_weeks():
    Person().register()
    left = AccessToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=13, hours=23) < left <= timedelta(days=14)


def test_a_password_change_leaves_one_token():
    person = Person()
    person.register()
    body = {"current_password": "correct horse 9", "new_password": "another horse 9"}
    response = person.send("POST", "/accounts/password", body)
    assert response.status_code == 200, response.content
    assert AccessToken.objects.count() == 1


def test_a_stock_item_holds_a_billion_units():
    item = variant_make("A", units=0).stock_item
    stock_adjust(item=item, change=1_000_000_000, reason="found", made_by="x")
    with pytest.raises(Unprocessable):
        stock_adjust(item=item, change=1, reason="found", made_by="x")
    assert stock_of("A") == (1_000_000_000, 0)
    stock_adjust(item=item, change=-1_000_000_000, reason="lost", made_by="x")
    assert stock_of("A") == (0, 0)


def test_one_password_is_hashed_at_once_and_one_waits():
    outcome = []

    def hash_after(wait_s):
        try:
            with password_hashing.take(wait_s=wait_s):
                outcome.append("waited")
        except TooManyRequests:
            outcome.append("refused")

    with password_hashing.take():
        hash_after(0.01)
        others = [threading.Thread(target=hash_after, args=(60,)) for _ in range(2)]
        for other in others:  # whichever comes first waits
            other.start()
        wait_until(lambda: len(outcome) == 2, "the last to come is refused")
        assert outcome == ["refused", "refused"]
    for other in others:
        other.join(60)
    assert outcome == ["refused", "refused", "waited"]


@pytest.mark.parametrize(("on_hand", "reserved", "most"), [(10, 5, 5), (10, 10, 0), (10, 0, 10), (5, 4, 1)])
def test_units_that_are_reserved_are_not_taken_away(on_hand, reserved, most):
    item = variant_make("A", units=on_hand).stock_item
    StockItem.objects.update(reserved=reserved)
    with pytest.raises(Unprocessable):
        stock_adjust(item=item, change=-most - 1, reason="lost", made_by="x")
    assert stock_of("A") == (on_hand, reserved)
    if most:
        stock_adjust(item=item, change=-most, reason="lost", made_by="x")
    assert stock_of("A") == (on_hand - most, reserved)


@pytest.mark.parametrize(("change", "reason"), [(0, "counted"), (1, " "), (1, "")])
def test_an_adjustment_has_units_and_a_reason(change, reason):
    item = variant_make("A").stock_item
    with pytest.raises(Unprocessable):
        stock_adjust(item=item, change=change, reason=reason, made_by="x")
    assert stock_of("A") == (10, 0)
