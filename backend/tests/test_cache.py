"""Cached products: invalidated by the write that changes them, and never needed."""

import pytest

from catalog import cache
from catalog.models import Product
from tests.shop import Person, variant_make


class Memory:
    """As much of Redis as the cache uses."""

    def __init__(self):
        self.data, self.away, self.queued = {}, False, []

    def _answer(self):
        if self.away:
            raise ConnectionError("redis is gone")

    def ask(self, command, key):
        assert command == "GET"
        self._answer()
        return self.data.get(key)

    def near(self, key):
        return self.ask("GET", key)

    def ping(self):
        self._answer()

    def eval(self, script, count, body_key, version_key, known, body, seconds):
        self._answer()
        if self.data.get(version_key) == (None if script == cache.STORE_FIRST else known):
            self.data[body_key] = body

    def pipeline(self, transaction):
        self.queued = []
        return self

    def incr(self, key):
        self.queued.append(lambda: self.data.update({key: str(int(self.data.get(key, b"0")) + 1).encode()}))
        return self

    def expire(self, key, seconds):
        return self

    def delete(self, key):
        self.queued.append(lambda: self.data.pop(key, None))
        return self

    def execute(self):
        self._answer()
        for step in self.queued:
            step()


@pytest.fixture
def memory(settings, monkeypatch):
    settings.REDIS_URL = "redis://nowhere"
    memory = Memory()
    monkeypatch.setattr(cache, "redis_client", lambda timeout_s: memory)
    monkeypatch.setattr(cache, "_reading", memory)
    monkeypatch.setattr(cache, "_away_until_s", 0.0)
    monkeypatch.setattr(cache, "_missed", set())
    monkeypatch.setattr(cache, "AWAY_S", 0.0)
    return memory


@pytest.fixture
def thing(transactional_db):
    return variant_make("A", units=5)


def available(person=None):
    return (person or Person()).send("GET", "/products/thing-a").json()["available"]


def test_a_second_read_asks_no_database(memory, thing, django_assert_num_queries):
    assert available() == 5
    with django_assert_num_queries(0):
        assert available() == 5


def test_a_kept_answer_is_the_made_one_header_for_header(memory, thing):
    made, kept = (Person().send("GET", "/products/thing-a") for _ in range(2))
    assert kept.content == made.content
    ids = [response.headers.pop("X-Request-ID") for response in (made, kept)]
    assert kept.headers == made.headers
    assert len(set(ids)) == 2


def test_a_kept_answer_is_not_given_to_a_strange_host(memory, thing, client):
    assert available() == 5
    assert client.get("/api/v1/products/thing-a", headers={"Host": "elsewhere.example"}).status_code == 400


def test_an_order_is_seen_at_once(memory, thing):
    assert available() == 5
    person = Person()
    number = person.order("A", 2)
    assert available() == 3
    person.send("POST", f"/orders/{number}/cancel")
    assert available() == 5


def test_a_saved_product_is_seen_at_once(memory, thing):
    available()
    product = Product.objects.get()
    product.name = "New name"
    product.save()
    assert Person().send("GET", "/products/thing-a").json()["name"] == "New name"


def test_what_a_write_overtook_is_not_kept(memory, thing):
    def read_slowly():
        Person().order("A", 1)
        return b"read before the order"

    assert cache.product_keep("thing-a", read_slowly) == b"read before the order"
    assert available() == 4


def test_without_redis_everything_still_works(memory, thing):
    memory.away = True
    assert available() == 5
    Person().order("A", 1)
    assert available() == 4


def test_a_write_that_redis_missed_is_told_before_it_is_used_again(memory, thing):
    assert available() == 5
    memory.away = True
    Person().order("A", 1)
    memory.away = False
    assert available() == 4


def test_the_worker_tells_what_redis_missed(memory, thing):
    available()
    memory.away = True
    Person().order("A", 1)
    memory.away = False
    assert cache.missed_forget() == 1
    assert "shop:product:thing-a:body" not in memory.data
