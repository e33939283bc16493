"""A client that is generated from the OpenAPI document can buy, with an account and without."""

import importlib
import json
import subprocess
import sys
from typing import get_type_hints

import pytest

from config.api import api
from tests.shop import GOOD, variant_make


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The package that openapi-python-client makes of the document."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(api.get_openapi_schema(), default=str))
    (folder / "config.yml").write_text("post_hooks: []\n")
    argv = ["-m", "openapi_python_client", "generate", "--path", "openapi.json", "--config", "config.yml"]
    argv += ["--meta", "none", "--output-path", "shop_client", "--fail-on-warning"]
    ended = subprocess.run([sys.executable, *argv], cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("shop_client")
    sys.path.remove(str(folder))


def call(client, tag, operation, **arguments):
    module = importlib.import_module(f"shop_client.api.{tag}.{operation}")
    response = module.sync_detailed(client=client, **arguments)
    assert response.status_code < 300, response.content
    return response.parsed


def buy(client):
    models = importlib.import_module("shop_client.models")
    order = call(
        client,
        "orders",
        "orders_api_checkout",
        body=models.CheckoutIn(email="a@example.com"),
        idempotency_key="1",
    )
    card = models.PaymentIn(card=GOOD)
    payment = call(
        client,
        "payments",
        "payments_api_payment_create",
        number=order.number,
        body=card,
        idempotency_key="2",
    )
    assert payment.state == "succeeded"
    assert call(client, "orders", "orders_api_order_read", number=order.number).state == "paid"


def test_a_generated_client_knows_what_needs_credentials(generated):
    takes = {}
    for tag, operation in (("orders", "orders_api_checkout"), ("catalog", "catalog_api_product_list")):
        module = importlib.import_module(f"shop_client.api.{tag}.{operation}")
        takes[tag] = get_type_hints(module.sync_detailed)["client"]
    client, authenticated = generated.Client, generated.AuthenticatedClient
    assert takes == {"orders": authenticated, "catalog": authenticated | client}


def test_a_generated_client_buys_with_an_account(generated, live_server, transactional_db):
    variant_make("A")
    models = importlib.import_module("shop_client.models")
    account = models.RegisterIn(email="ann@example.com", password="correct horse 9")
    with generated.Client(base_url=live_server.url) as anonymous:
        call(anonymous, "accounts", "accounts_api_account_register", body=account)
        credentials = models.LoginIn(email="ann@example.com", password="correct horse 9")
        login = call(anonymous, "accounts", "accounts_api_account_login", body=credentials)
    with generated.AuthenticatedClient(base_url=live_server.url, token=login.token) as client:
        call(client, "carts", "carts_api_cart_line_add", body=models.LineIn(sku="A"))
        buy(client)


def test_a_generated_client_buys_with_the_token_of_a_cart(generated, live_server, transactional_db):
    variant_make("A")
    models = importlib.import_module("shop_client.models")
    with generated.Client(base_url=live_server.url) as anonymous:
        cart = call(anonymous, "carts", "carts_api_cart_line_add", body=models.LineIn(sku="A"))
    options = {"token": cart.token, "prefix": "", "auth_header_name": "X-Cart-Token"}
    with generated.AuthenticatedClient(base_url=live_server.url, **options) as client:
        buy(client)
