"""The admin: every list and page opens, and what it changes goes through the services."""

import json

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from catalog.models import Product, StockAdjustment, StockItem, Variant
from core.admin import HistoryAdmin
from events.services import event_record
from orders.models import Order
from orders.services import order_fulfil
from payments import deliveries
from payments.admin import PaidOrderAdmin
from payments.models import Payment, Refund, refund_reference
from payments.sandbox import Sandbox
from tests.shop import Person, stock_of, variant_make

OURS = ("accounts", "catalog", "carts", "orders", "payments", "events")
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """A little of everything."""
    variant_make("A", units=5)
    person = Person()
    number = person.order("A", 2)
    person.pay(number)
    deliveries.send_due_webhooks()
    event_record(type="t", aggregate="a", payload={})
    return number


@pytest.fixture
def staff(admin_client):
    admin_client.get("/admin/")
    return admin_client


@pytest.mark.parametrize("app", OURS)
def test_every_list_searches_and_every_page_opens(staff, shop, app):
    for model in apps.get_app_config(app).get_models():
        if model not in admin.site._registry:
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert staff.get(reverse(f"{name}_changelist"), {"q": "a"}).status_code == 200
        row = model.objects.first()
        if row is not None:
            assert staff.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


def act(staff, action):
    order = Order.objects.get()
    data = {"action": action, "_selected_action": [order.pk]}
    page = staff.post(reverse("admin:orders_order_changelist"), data, follow=True).content.decode()
    order.refresh_from_db()
    return order.state, page


def test_orders_move_on_through_the_services(staff, shop):
    assert act(staff, "fulfil")[0] == "fulfilled"
    state, page = act(staff, "cancel")
    assert (state, "cannot become cancelled" in page) == ("fulfilled", True)
    assert act(staff, "refund")[0] == "refunded"
    assert Payment.objects.get().state == "refunded"
    call_command("check_invariants", verbosity=0)


def test_who_presses_save_on_an_order_takes_nothing_back(shop, rf):
    read_before = Order.objects.get()
    order_fulfil(order_id=read_before.pk)
    PaidOrderAdmin(Order, admin.site).save_model(rf.post("/"), read_before, form=None, change=True)
    assert Order.objects.get().state == "fulfilled"


def test_money_cannot_be_edited(staff, shop):
    url = reverse("admin:payments_payment_change", args=[Payment.objects.get().pk])
    assert staff.post(url, {"state": "refunded"}).status_code == 403


def adjust(staff, change, reason):
    item = StockItem.objects.get()
    url = reverse("admin:catalog_stockitem_change", args=[item.pk])
    return staff.post(url, {"code": item.code, "change_by": change, "reason": reason})


def test_stock_is_adjusted_with_a_reason(staff, shop):
    assert adjust(staff, -1, "broken in the store").status_code == 302
    assert stock_of("A") == (2, 0)
    assert StockAdjustment.objects.get().made_by
    call_command("check_invariants", verbosity=0)


@pytest.mark.parametrize(("change", "reason"), [(-4, "lost"), (1, ""), (1, "  ")])
def test_stock_is_not_adjusted_without_reason_or_below_promises(staff, shop, change, reason):
    assert adjust(staff, change, reason).status_code == 200
    assert stock_of("A") == (3, 0)


def product_form(**changes):
    """Return the form of a new product with two variants."""
    variant = {"name": "", "attributes": "{}", "position": 0, "stock_item": StockItem.objects.get().pk}
    first, second = {**variant, "sku": "T1", "price": "40.00"}, {**variant, "sku": "T2", "price": "30.00"}
    return {
        "category": Product.objects.get().category.pk, "name": "Blue Teapot", "slug": "blue-teapot",
        "attributes": "{}", "state": "published", "price": "50.00", "currency": "EUR",
        "variants-TOTAL_FORMS": 2, "variants-INITIAL_FORMS": 0,
        **{f"variants-0-{name}": value for name, value in first.items()},
        **{f"variants-1-{name}": value for name, value in second.items()},
        **changes,
    }  # fmt: skip


def test_a_new_product_can_be_found_and_has_its_cheapest_price(staff, shop, client):
    assert staff.post(reverse("admin:catalog_product_add"), product_form()).status_code == 302
    found = client.get("/api/v1/products", {"search": "teapot"}).json()["items"]
    assert found[0]["price"]["amount"] == "30.00"
    assert Variant.objects.filter(product__slug="blue-teapot").count() == 2


@pytest.mark.parametrize("name", ["attributes", "variants-1-attributes"])
@pytest.mark.parametrize(
    "attributes",
    ['"x"', "[]", "1", '{"a": NaN}', '{"a": "\\u0000"}', '{"a": {"\\u0000": 1}}'],
)
def test_attributes_that_no_customer_could_read_are_refused(staff, shop, name, attributes):
    staff.raise_request_exception = False
    form = product_form(**{name: attributes})
    assert staff.post(reverse("admin:catalog_product_add"), form).status_code == 200
    assert not Product.objects.filter(slug="blue-teapot").exists()


@pytest.mark.parametrize(
    "attributes", ["", "null", "{}", '{"colour": "blue", "sizes": [1, 2.5], "note": "\\u00e9"}']
)
def test_a_product_is_shown_with_its_attributes_or_without(staff, shop, client, attributes):
    staff.raise_request_exception = False
    form = product_form(attributes=attributes)
    assert staff.post(reverse("admin:catalog_product_add"), form).status_code == 302
    shown = client.get("/api/v1/products/blue-teapot").json()["attributes"]
    assert shown == (json.loads(attributes or "{}") or {})


@pytest.mark.parametrize("act", ["add", "change", "delete"])
def test_history_is_not_changed_by_hand(staff, rf, admin_user, act):
    request = rf.get("/admin/")
    request.user = admin_user
    page = HistoryAdmin(Order, admin.site)
    assert getattr(page, f"has_{act}_permission")(request) is False


def add_refund(staff, **data):
    url = reverse("admin:payments_refund_add")
    return staff.post(url, {"payment": Payment.objects.get().pk, "amount": "3.50", **data})


@pytest.mark.django_db(transaction=True)
def test_a_refund_is_stored_before_the_provider_hears_of_it(staff, shop, monkeypatch):
    seen = []

    def refund(self, **arguments):
        seen.append((connection.in_atomic_block, Refund.objects.count()))

    monkeypatch.setattr(Sandbox, "refund", refund)
    assert add_refund(staff, new_reference=refund_reference()).status_code == 302
    assert seen == [(False, 1)]
    assert Refund.objects.get().state == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_a_refund_that_is_sent_twice_by_the_same_form_is_one(staff, shop):
    form = staff.get(reverse("admin:payments_refund_add")).context["adminform"].form
    reference = form.get_initial_for_field(form.fields["new_reference"], "new_reference")
    assert add_refund(staff, new_reference=reference).status_code == 302
    again = add_refund(staff, new_reference=reference)
    assert "is recorded already" in again.content.decode()
    assert [refund.reference for refund in Refund.objects.all()] == [reference]


def test_a_refund_without_the_reference_of_its_form_is_refused(staff, shop):
    for reference in ("", "x", "ref_" + "0" * 33):
        assert add_refund(staff, new_reference=reference).status_code == 200
    assert not Refund.objects.exists()
