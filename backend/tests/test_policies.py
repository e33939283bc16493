"""Who may call which endpoint, what may be cached, and that the OpenAPI describes both."""

import pytest

from config.api import api
from config.policies import PERSONAL, POLICIES, PREFIX, PUBLIC, SECURITY, Caller
from tests.shop import GOOD, Person, variant_make

pytestmark = pytest.mark.django_db
BODIES = {
    "/accounts/register": {"email": "new@example.com", "password": "correct horse 9"},
    "/accounts/login": {"email": "ann@example.com", "password": "correct horse 9"},
    "/accounts/password": {"current_password": "correct horse 9", "new_password": "better horse 10"},
    "/cart/lines": {"sku": "A"},
    "/cart/lines/{sku}": {"quantity": 1},
    "/checkout": {"email": "a@example.com"},
    "/orders/{number}/payments": {"card": GOOD},
}


def operations():
    paths = api.get_openapi_schema()["paths"].items()
    return [(method.upper(), path.removeprefix(PREFIX)) for path, methods in paths for method in methods]


def call(person, method, path, number):
    filled = path.format(slug="thing-a", sku="A", number=number)
    return person.send(method, filled, BODIES.get(path), Idempotency_Key="k")


@pytest.fixture
def order():
    variant_make("A")
    person = Person()
    person.register()
    number = person.order("A")
    person.put_in_cart("A")
    return person, number


def test_the_table_names_exactly_the_endpoints_of_the_api():
    assert sorted(operations()) == sorted(POLICIES)


@pytest.mark.parametrize(("method", "path"), list(POLICIES))
def test_only_the_catalogue_may_be_cached(order, method, path):
    person, number = order
    response = call(person, method, path, number)
    expected = POLICIES[method, path].cache
    assert response["Cache-Control"] == expected
    depends_on = {name.strip() for name in response.get("Vary", "").split(",")}
    assert ({"Authorization", "X-Cart-Token"} <= depends_on) is (expected == PERSONAL)


@pytest.mark.parametrize(
    ("method", "path"), [key for key, policy in POLICIES.items() if policy.caller is Caller.CUSTOMER]
)
def test_what_needs_a_customer_refuses_others(order, method, path):
    assert call(Person(), method, path, order[1]).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [key for key, policy in POLICIES.items() if policy.caller is Caller.BUYER]
)
def test_what_needs_a_buyer_shows_a_caller_without_credentials_nothing(order, method, path):
    response = call(Person(), method, path, order[1])
    assert response.status_code == 404 or response.json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("method", "path"), [key for key, policy in POLICIES.items() if policy.cache == PUBLIC]
)
def test_what_may_be_cached_is_the_same_for_everybody(order, method, path):
    person, number = order
    assert call(person, method, path, number).content == call(Person(), method, path, number).content


def test_an_error_of_the_catalogue_is_not_cached(client):
    assert client.get(f"{PREFIX}/products/none")["Cache-Control"] == PERSONAL


def test_the_openapi_says_who_may_call():
    document = api.get_openapi_schema()
    security = {
        (method.upper(), path.removeprefix(PREFIX)): operation["security"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert security == {key: SECURITY[policy.caller] for key, policy in POLICIES.items()}
    assert document["components"]["securitySchemes"]["CartToken"]["name"] == "X-Cart-Token"
    assert document["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
