"""Many buyers at one moment: nothing is oversold, nothing happens twice, no request meets a deadlock.

SHOP_LONG=1 asks for the long forms.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from buyers import CART_LIMIT, Buyer, Goods, crowd, goods, key, look, ordered, some, together
from patience import Patience
from shop import Service, address, problem

pytestmark = pytest.mark.usefixtures("books_agree")
LONG = os.environ.get("SHOP_LONG") == "1"
BUYERS, UNITS, ROUNDS = (1000, 100, 20) if LONG else (40, 8, 1)
KEYS, SENDS = (200, 50) if LONG else (8, 6)
BASKETS = 200 if LONG else 12
KEYS_AT_ONCE = 8
READERS, ORDERS = (32, 99) if LONG else (12, 4)  # so many that every worker has read the product
decisions = Patience(long_s=60)


def available_units(backend: Service, one: Goods) -> int:
    """Return how many units can be had now."""
    found = look(backend, one.slug)
    assert found is not None
    return found.available


def test_a_crowd_buys_exactly_what_is_there(backend: Service) -> None:
    for _ in range(ROUNDS):
        rush(backend)


def rush(backend: Service) -> None:
    """Let a crowd buy fewer units than it wants, pay, and bring all back."""
    one = some(backend, at_least=UNITS, at_most=UNITS + CART_LIMIT)
    with crowd(address("BACKEND_URL"), 1) as (hoarder,), crowd(address("BACKEND_URL"), BUYERS) as buyers:
        if one.available > UNITS:
            hoarder.put(one.sku, one.available - UNITS)
            assert hoarder.check_out(key()).status_code == 201
        put = together(lambda buyer: buyer.put(one.sku).status_code, buyers, at_once=16)
        assert Counter(put) == {201: BUYERS}

        answers = together(lambda buyer: buyer.check_out(key()), buyers)
        assert Counter(answer.status_code for answer in answers) == {201: UNITS, 409: BUYERS - UNITS}
        refusals = {problem(answer)["type"] for answer in answers if answer.status_code == 409}
        assert refusals == {"urn:shop:problem:out-of-stock"}
        assert available_units(backend, one) == 0

        winners = [
            (buyer, str(answer.json()["number"]))
            for buyer, answer in zip(buyers, answers, strict=True)
            if answer.status_code == 201
        ]
        paid = together(lambda winner: winner[0].pay(winner[1], key()).status_code, winners)
        assert Counter(paid) == {201: UNITS}
        assert available_units(backend, one) == 0
    assert available_units(backend, one) == one.available


def test_an_order_is_seen_wherever_it_is_asked_for(backend: Service) -> None:
    one = some(backend, at_least=ORDERS)
    with crowd(address("BACKEND_URL"), 1) as (buyer,), crowd(address("BACKEND_URL"), READERS) as readers:
        for count in range(1, ORDERS + 1):
            together(lambda reader: available_units(reader.service, one), readers)
            assert ordered(buyer, one)
            seen = Counter(available_units(reader.service, one) for reader in readers)
            assert seen == {one.available - count: READERS}


def check_out_until_decided(send: tuple[Buyer, str, str]) -> tuple[str, int, bytes]:
    """Return a key and what came of it, asking again while the first request is under way."""
    owner, url, token = send
    with Service(url=url, recorded=owner.service.recorded) as service:
        copy = Buyer(service=service, headers=owner.headers)
        answer = copy.check_out(token)

        def is_decided() -> bool:
            nonlocal answer
            if answer.status_code != 409 or "idempotency-in-flight" not in problem(answer)["type"]:
                return True
            answer = copy.check_out(token)
            return False

        decisions.wait_until(is_decided, lambda: f"the key {token} is still in flight")
        return token, answer.status_code, answer.content


def test_a_key_makes_one_order_however_often_it_is_sent(backend: Service) -> None:
    one = some(backend, at_least=KEYS_AT_ONCE)
    url = address("BACKEND_URL")
    for _ in range(KEYS // KEYS_AT_ONCE):
        with crowd(url, KEYS_AT_ONCE) as buyers:
            for buyer in buyers:
                assert buyer.put(one.sku).status_code == 201
            sends = [(buyer, url, token) for buyer in buyers for token in [key()] for _ in range(SENDS)]
            answers = together(check_out_until_decided, sends)
            assert {status for _, status, _ in answers} == {201}
            assert len({(token, body) for token, _, body in answers}) == KEYS_AT_ONCE
            assert [len(buyer.orders()) for buyer in buyers] == [1] * KEYS_AT_ONCE
            assert available_units(backend, one) == one.available - KEYS_AT_ONCE
    assert available_units(backend, one) == one.available


def test_a_key_belongs_to_one_body(backend: Service) -> None:
    one = some(backend, at_least=2)
    with crowd(address("BACKEND_URL"), 1) as (buyer,):
        buyer.put(one.sku)
        token = key()
        first = buyer.check_out(token)
        again = buyer.check_out(token)
        assert (again.status_code, again.content) == (201, first.content)
        other = buyer.check_out(token, email="other@example.com")
        assert (other.status_code, problem(other)["type"]) == (
            422,
            "urn:shop:problem:idempotency-key-reused",
        )


def test_an_order_is_charged_once_by_payments_side_by_side(backend: Service) -> None:
    one = some(backend, at_least=1)
    with crowd(address("BACKEND_URL"), SENDS) as buyers:
        buyers[0].put(one.sku)
        number = str(buyers[0].check_out(key()).json()["number"])
        for other in buyers[1:]:
            other.headers.update(buyers[0].headers)
        answers = together(lambda buyer: buyer.pay(number, key()), buyers)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: SENDS - 1}
        assert [payment["state"] for payment in buyers[0].order(number)["payments"]] == ["succeeded"]
        for other in buyers[1:]:
            other.headers.clear()


def test_baskets_in_opposite_order_do_not_block_each_other(backend: Service) -> None:
    """Checkouts side by side, then payments and cancellations side by side."""
    found = iter(goods(backend, at_least=BASKETS))
    first, second = next(found), next(found)
    with crowd(address("BACKEND_URL"), BASKETS) as buyers:

        def fill(number: int) -> None:
            for sku in (first.sku, second.sku)[:: 1 if number % 2 else -1]:
                assert buyers[number].put(sku).status_code == 201

        def finish(number: int) -> int:
            if number % 3:
                return buyers[number].pay(numbers[number], key()).status_code
            return buyers[number].send("POST", f"/orders/{numbers[number]}/cancel").status_code

        together(fill, range(BASKETS), at_once=16)
        placed = together(lambda buyer: buyer.check_out(key()), buyers)
        assert Counter(answer.status_code for answer in placed) == {201: BASKETS}
        numbers = [str(answer.json()["number"]) for answer in placed]
        ended = Counter(together(finish, range(BASKETS)))
        assert ended.keys() == {200, 201}
        kept = sum(1 for number in range(BASKETS) if number % 3)
        assert available_units(backend, first) == first.available - kept
        assert available_units(backend, second) == second.available - kept
    assert (available_units(backend, first), available_units(backend, second)) == (
        first.available,
        second.available,
    )
