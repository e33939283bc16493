"""Values and moments at the rims: each is refused as a problem, or works; none is the shop's fault."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import User
from carts.models import Cart, CartLine
from carts.services import cart_merge
from catalog.models import Category, Product, StockItem, Variant
from operations.seed_catalogue import catalogue_seed
from payments.models import Payment
from payments.signatures import sign
from tests.shop import GOOD, LATE, Person, stock_of, variant_make

pytestmark = pytest.mark.django_db
HOOK = "/api/v1/payments/webhooks/sandbox"


@pytest.fixture
def tree():
    root = Category.objects.create(name="Root", slug="root")
    branch = Category.objects.create(name="Branch", slug="branch", parent=root)
    leaf = Category.objects.create(name="Leaf", slug="leaf", parent=branch)
    return root, branch, leaf


def paths():
    return dict(Category.objects.values_list("slug", "path"))


def test_a_renamed_category_takes_what_is_below_along(tree):
    branch = tree[1]
    branch.slug = "bough"
    branch.save()
    assert paths() == {"root": "root/", "bough": "root/bough/", "leaf": "root/bough/leaf/"}


def test_a_moved_category_takes_what_is_below_along(tree):
    branch = tree[1]
    branch.parent = None
    branch.save()
    assert paths() == {"root": "root/", "branch": "branch/", "leaf": "branch/leaf/"}


def test_a_category_is_never_below_itself(tree, admin_client):
    root, _, leaf = tree
    root.parent = leaf
    with pytest.raises(ValidationError):
        root.save()
    url = reverse("admin:catalog_category_change", args=[root.pk])
    assert admin_client.post(url, {"name": "Root", "slug": "root", "parent": leaf.pk}).status_code == 200
    assert paths()["root"] == "root/"


def test_no_path_of_a_category_is_too_long_for_the_database(tree):
    """Of the category itself, and of one below it that moves along."""
    root, _, leaf = tree
    parent = leaf
    for letter in "abc":
        parent = Category.objects.create(name=letter, slug=letter * 140, parent=parent)
    with pytest.raises(ValidationError, match="longer than 600"):
        Category.objects.create(name="d", slug="d" * 160, parent=parent)
    far = Category.objects.create(name="far", slug="f" * 140)
    far = Category.objects.create(name="farther", slug="g" * 30, parent=far)
    root.parent = far
    with pytest.raises(ValidationError, match="longer than 600"):
        root.save()
    assert paths()["root"] == "root/"


def test_a_category_that_was_read_before_its_parent_was_renamed_has_the_new_path(tree):
    _, branch, leaf = tree
    stale = Category.objects.select_related("parent").get(pk=leaf.pk)
    branch.slug = "bough"
    branch.save()
    stale.name = "Leaves"
    stale.save()
    assert paths()["leaf"] == "root/bough/leaf/"


def test_categories_that_are_a_ring_already_can_be_mended(tree):
    root, branch, leaf = tree
    Category.objects.filter(pk=root.pk).update(parent=branch)
    Category.objects.get(pk=leaf.pk).save()  # and does not go round for ever
    root.parent = None
    root.save()
    assert paths() == {"root": "root/", "branch": "root/branch/", "leaf": "root/branch/leaf/"}


def test_products_are_found_by_the_new_name_of_their_category(client):
    catalogue_seed(products=20)
    category = Product.objects.all()[0].category
    category.name = "Zeppelins"
    category.save()
    found = client.get("/api/v1/products", {"search": "zeppelins", "limit": 100}).json()["items"]
    assert len(found) == category.products.count()


def test_a_variant_has_no_currency_of_its_own():
    assert "currency" not in {field.name for field in Variant._meta.get_fields()}


def test_what_is_sold_in_another_currency_cannot_be_ordered():
    variant_make("A"), variant_make("B")
    Product.objects.filter(variants__sku="A").update(currency="USD")
    person = Person()
    assert person.put_in_cart("A").status_code == 404
    person.put_in_cart("B")
    Product.objects.filter(variants__sku="B").update(currency="USD")
    assert person.send("GET", "/cart").json()["lines"][0]["notice"] == "no-longer-sold"
    assert person.check_out().status_code == 409


def test_checkout_of_an_unpublished_product_is_refused():
    variant_make("A")
    person = Person()
    person.put_in_cart("A")
    Product.objects.update(state=Product.State.DRAFT)
    response = person.check_out()
    assert response.status_code == 409
    assert response.json()["errors"] == [{"location": ["cart", "A"], "message": "no-longer-sold"}]
    assert stock_of("A") == (10, 0)


def test_the_client_does_not_name_the_total():
    variant_make("A", price="10.00")
    person = Person()
    person.put_in_cart("A")
    body = {"email": "a@example.com", "total": "0.01"}
    assert person.send("POST", "/checkout", body, Idempotency_Key="k").status_code == 422
    assert person.send("POST", "/cart/lines", {"sku": "A", "price": "0.01"}).status_code == 422
    number = person.check_out().json()["number"]
    paid = {"card": GOOD, "amount": "0.01"}
    assert person.send("POST", f"/orders/{number}/payments", paid, Idempotency_Key="p").status_code == 422
    assert person.pay(number).json()["amount"]["amount"] == "10.00"


@pytest.mark.parametrize("member", ["id", "reference", "currency"])
def test_half_a_character_in_a_signed_webhook_is_refused(client, settings, member):
    data = {"reference": "pay_x", "amount": "10.00", "currency": "EUR"}
    content = {"id": "evt_1", "type": "payment.succeeded", "data": data}
    (content if member == "id" else data)[member] = "\ud800"
    body = json.dumps(content).encode()
    signature = sign(body=body, secret=settings.PAYMENT_WEBHOOK_SECRET)
    headers = {"X-Sandbox-Signature": signature}
    response = client.post(HOOK, body, content_type="application/json", headers=headers)
    assert (response.status_code, response.json()["type"]) == (400, "urn:shop:problem:bad-webhook")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/accounts/register", {"email": "a@example.com", "password": "correct horse 9", "name": "\ud800"}),
        ("/accounts/register", {"email": "\ud800@example.com", "password": "correct horse 9"}),
        ("/accounts/login", {"email": "a@example.com", "password": "\ud800" * 12}),
        ("/cart/lines", {"sku": "\ud800"}),
        ("/checkout", {"email": "\ud800@example.com"}),
    ],
)
def test_half_a_character_in_a_body_is_refused(path, body):
    assert Person().send("POST", path, body, Idempotency_Key="k").status_code == 422


def test_a_webhook_in_another_currency_changes_nothing(client, settings):
    variant_make("A")
    person = Person()
    number = person.order("A")
    reference = person.pay(number, LATE).json()["reference"]
    data = {"reference": reference, "amount": "10.00", "currency": "USD"}
    body = json.dumps({"id": "evt_1", "type": "payment.succeeded", "data": data}).encode()
    headers = {"X-Sandbox-Signature": sign(body=body, secret=settings.PAYMENT_WEBHOOK_SECRET)}
    assert client.post(HOOK, body, content_type="application/json", headers=headers).status_code == 422
    assert (person.state_of(number), Payment.objects.get().state) == ("pending_payment", "pending")


@pytest.mark.parametrize("units", [10**19, -(10**19), 2**31, 2_000_000_000])
def test_a_stock_beyond_all_bounds_is_refused(admin_client, units):
    variant_make("A")
    item = StockItem.objects.get()
    url = reverse("admin:catalog_stockitem_change", args=[item.pk])
    response = admin_client.post(url, {"code": "A", "change_by": str(units), "reason": "found"})
    assert response.status_code == 200
    assert stock_of("A") == (10, 0)


def test_stock_does_not_grow_beyond_all_bounds_bit_by_bit(admin_client):
    variant_make("A", units=900_000_000)
    url = reverse("admin:catalog_stockitem_change", args=[StockItem.objects.get().pk])
    admin_client.post(url, {"code": "A", "change_by": "900000000", "reason": "found"})
    assert stock_of("A") == (900_000_000, 0)


@pytest.mark.parametrize(
    "path", ["/api/v1/products", "/api/v1/categories", "/api/v1/facets", "/health/", "/api/v1/openapi.json"]
)
def test_head_is_get_without_its_body(client, path):
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Type"] == got["Content-Type"]


def test_head_of_what_is_no_read_is_not_allowed(client):
    response = client.head("/api/v1/checkout")
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_a_cart_that_was_merged_already_is_no_error():
    user = User.objects.create_user("ann@example.com", "x")
    source = Cart.objects.create(token_digest="t" * 64)
    variant = variant_make("A")
    CartLine.objects.create(cart=source, variant=variant, quantity=2)
    stale = Cart.objects.get(pk=source.pk)
    for cart in (source, stale):
        cart_merge(source=cart, user=user)
    assert CartLine.objects.get().quantity == 2


@pytest.mark.parametrize("provider", ["", "another", "stripe"])
def test_another_provider_than_the_one_that_is_set_takes_no_payment(client, settings, provider):
    variant_make("A")
    person = Person()
    number = person.order("A")
    settings.PAYMENT_PROVIDER = provider
    response = person.pay(number, key="k")
    assert (response.status_code, response.json()["type"]) == (503, "urn:shop:problem:no-payment-provider")
    headers = {"X-Sandbox-Signature": sign(body=b"{}", secret=settings.PAYMENT_WEBHOOK_SECRET)}
    assert client.post(HOOK, b"{}", content_type="application/json", headers=headers).status_code == 503
    settings.PAYMENT_PROVIDER = "sandbox"
    assert person.pay(number, key="k").status_code == 201
