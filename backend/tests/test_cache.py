"""Cached products, with a real Redis: invalidated by the write that changes them, and never needed."""

import pytest

from catalog import cache
from catalog.models import Category, Product, Variant
from catalog.services import product_price_update
from catalog.stock import stock_adjust
from tests.shop import Person, stock_of, variant_make


@pytest.fixture
def thing(transactional_db):
    return variant_make("A", units=5)


def available(person=None):
    return (person or Person()).send("GET", "/products/thing-a").json()["available"]


def test_a_second_read_asks_no_database(redis_server, thing, django_assert_num_queries):
    assert available() == 5
    with django_assert_num_queries(0):
        assert available() == 5


def test_a_cached_response_equals_the_first_one_header_for_header(redis_server, thing):
    first, cached = (Person().send("GET", "/products/thing-a") for _ in range(2))
    assert cached.content == first.content
    ids = [response.headers.pop("X-Request-ID") for response in (first, cached)]
    assert cached.headers == first.headers
    assert len(set(ids)) == 2


def test_a_cached_product_is_not_sent_to_an_unknown_host(redis_server, thing, client):
    assert available() == 5
    assert client.get("/api/v1/products/thing-a", headers={"Host": "elsewhere.example"}).status_code == 400


def test_an_order_is_seen_at_once(redis_server, thing):
    assert available() == 5
    person = Person()
    number = person.order("A", 2)
    assert available() == 3
    person.send("POST", f"/orders/{number}/cancel")
    assert available() == 5


def test_a_sale_leaves_what_is_cached_true(redis_server, thing, django_assert_num_queries):
    person = Person()
    number = person.order("A", 2)
    assert available() == 3
    assert person.pay(number).status_code == 201
    assert person.state_of(number) == "paid"
    assert stock_of("A") == (3, 0)
    with django_assert_num_queries(0):
        assert available() == 3


def test_a_saved_product_is_seen_at_once(redis_server, thing):
    available()
    product = Product.objects.get()
    product.name = "New name"
    product.save()
    assert Person().send("GET", "/products/thing-a").json()["name"] == "New name"


def test_what_a_write_overtook_is_not_cached(redis_server, thing):
    def read_slowly():
        Person().order("A", 1)
        return b"read before the order"

    assert cache.load_product("thing-a", read_slowly) == b"read before the order"
    assert available() == 4


def test_without_redis_everything_still_works(redis_server, thing):
    redis_server.kill()
    assert available() == 5
    Person().order("A", 1)
    assert available() == 4


def test_a_redis_that_hangs_is_not_waited_for_again_and_again(redis_server, thing, monkeypatch):
    monkeypatch.setattr(cache, "RETRY_AFTER_S", 60.0)
    attempts = []
    connect = cache.redis_client
    monkeypatch.setattr(cache, "redis_client", lambda **options: attempts.append(1) or connect(**options))
    with redis_server.hanging():
        assert [available() for _ in range(5)] == [5] * 5
    assert len(attempts) == 1


def test_a_write_that_redis_missed_is_invalidated_before_redis_is_used_again(redis_server, thing, settings):
    assert available() == 5
    settings.REDIS_URL = "redis://127.0.0.1:1"  # refuses; one that hangs would get the command later
    Person().order("A", 1)
    settings.REDIS_URL = redis_server.url
    assert available() == 4


def test_a_redis_that_came_back_empty_is_used_again(redis_server, thing, django_assert_num_queries):
    assert available() == 5
    redis_server.kill()
    Person().order("A", 1)
    redis_server.start()
    assert [available(), available()] == [4, 4]
    with django_assert_num_queries(0):
        available()


def test_the_worker_repeats_the_invalidations_that_redis_missed(redis_server, thing):
    available()
    with redis_server.hanging():
        Person().order("A", 1)
    assert cache.flush_pending_invalidations() == 1
    assert cache.redis_client().get("shop:product:thing-a:body") is None


def total():
    return Person().send("GET", "/facets").json()["price_max"]["amount"]


def test_facets_are_cached_until_a_product_changes(redis_server, thing, django_assert_num_queries):
    assert total() == "10.00"
    with django_assert_num_queries(0):
        assert total() == "10.00"
    product = Product.objects.get()
    product.price = "12.00"
    product.save()
    assert total() == "12.00"


def test_a_changed_price_is_seen_at_once(redis_server, thing):
    assert Person().send("GET", "/products/thing-a").json()["variants"][0]["price"]["amount"] == "10.00"
    thing.price = "12.00"
    thing.save()
    assert Person().send("GET", "/products/thing-a").json()["variants"][0]["price"]["amount"] == "12.00"


def test_facets_need_no_redis(redis_server, thing):
    redis_server.kill()
    assert total() == "10.00"


def test_a_price_that_follows_the_variants_is_seen_at_once(redis_server, thing):
    assert Person().send("GET", "/facets").json()["price_max"]["amount"] == "10.00"
    available()
    Variant.objects.update(price="12.00")
    product_price_update(product=Product.objects.get())
    assert cache.redis_client().get("shop:product:thing-a:body") is None
    assert Person().send("GET", "/facets").json()["price_max"]["amount"] == "12.00"


def test_units_that_are_found_are_seen_at_once(redis_server, thing):
    assert available() == 5
    stock_adjust(item=thing.stock_item, change=2, reason="found", made_by="staff")
    assert available() == 7


def test_units_that_come_back_with_a_refund_are_seen_at_once(redis_server, thing):
    person = Person()
    number = person.order("A", 2)
    person.pay(number)
    assert available() == 3
    person.send("POST", f"/orders/{number}/refund")
    assert available() == 5


def read(path):
    return Person().send("GET", path)


def test_a_product_is_gone_at_once_from_the_address_that_it_had(redis_server, thing):
    assert available() == 5
    product = Product.objects.get()
    product.slug = "another-thing"
    product.save()
    assert read("/products/thing-a").status_code == 404
    assert read("/products/another-thing").status_code == 200


def test_a_variant_is_gone_at_once_from_the_product_that_it_was_of(redis_server, thing):
    other = variant_make("B").product
    assert [len(read(f"/products/thing-{name}").json()["variants"]) for name in "ab"] == [1, 1]
    thing.product = other
    thing.save()
    assert [len(read(f"/products/thing-{name}").json()["variants"]) for name in "ab"] == [0, 2]


def test_the_facets_of_a_category_follow_what_is_below_it_at_once(redis_server, thing):
    house = Category.objects.create(name="House", slug="house")
    assert read("/facets?category=house").json()["total"] == 0
    things = Category.objects.get(slug="things")
    things.parent = house
    things.save()
    assert read("/facets?category=house").json()["total"] == 1
    house.slug = "home"
    house.save()  # no product is in this category itself
    assert read("/facets?category=house").json()["total"] == 0
