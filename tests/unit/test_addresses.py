from __future__ import annotations

import pytest

from stack.plan.addresses import (
    referenced_ports,
    rewrite_environment,
    rewrite_names,
    rewrite_paths,
    rewrite_value_paths,
)

ADDRESSES = {("postgres", 5432): ("127.0.0.1", 20001), ("backend", 8000): ("127.0.0.1", 20002)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://u:p@postgres:5432/shop", "postgres://u:p@127.0.0.1:20001/shop"),
        ("http://backend:8000/health/", "http://127.0.0.1:20002/health/"),
        ("backend:8000,postgres:5432", "127.0.0.1:20002,127.0.0.1:20001"),
        ("backend:80001", "backend:80001"),
        ("my-backend:8000", "my-backend:8000"),
        ("backend.example:8000", "backend.example:8000"),
        ("backend:9999", "backend:9999"),
        ("_backend:8000", "_backend:8000"),
        ("localhost:8000", "localhost:8000"),
    ],
)
def test_only_a_known_service_with_its_port_becomes_an_address(text: str, expected: str) -> None:
    assert rewrite_names(text, ADDRESSES) == expected


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0.0.0.0"])
def test_a_service_s_own_address_becomes_its_host_port(host: str) -> None:
    assert rewrite_names(f"http://{host}:8000/", ADDRESSES, own="backend") == "http://127.0.0.1:20002/"
    assert rewrite_names(f"{host}:5432", ADDRESSES, own="backend") == f"{host}:5432"


def test_a_service_s_own_url_without_a_port_is_at_that_of_its_scheme() -> None:
    addresses = {("web", 80): ("127.0.0.1", 20009)}
    assert (
        rewrite_names("curl -f http://localhost/", addresses, own="web") == "curl -f http://127.0.0.1:20009/"
    )
    assert rewrite_names("http://localhost/", addresses) == "http://localhost/"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data/dump.rdb", "/host/data/dump.rdb"),
        ("sqlite:////data/shop.sqlite3", "sqlite:////host/data/shop.sqlite3"),
        ("--dir=/data", "--dir=/host/data"),
        ("/database", "/database"),
        ("http://data/x", "http://data/x"),
        ("/data/deep/x", "/elsewhere/x"),
    ],
)
def test_paths_below_a_mount_move_to_the_folder_behind_it(text: str, expected: str) -> None:
    assert rewrite_paths(text, {"/data": "/host/data", "/data/deep": "/elsewhere"}) == expected


def test_a_password_an_image_and_a_path_of_a_url_are_no_addresses() -> None:
    addresses = {("postgres", 5432): ("127.0.0.1", 1), ("postgres", 1234): ("127.0.0.1", 2)}
    environment = {
        "DATABASE_URL": "postgres://postgres:1234@postgres:5432/postgres",
        "POSTGRES_USER": "postgres",
        "IMAGE": "postgres:7",
        "NOTE": "ask postgres:5432 twice",
    }
    changed = {"DATABASE_URL": "postgres://postgres:1234@127.0.0.1:1/postgres"}
    assert rewrite_environment(environment, addresses) == environment | changed
    assert rewrite_value_paths("STATIC_URL", "/static/", {"/static": "/w"}) == "/static/"
    assert rewrite_value_paths("STATIC_ROOT", "/static/", {"/static": "/w"}) == "/w"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DB_HOST": "postgres", "DB_PORT": "5432"}, {"DB_HOST": "127.0.0.1", "DB_PORT": "20001"}),
        ({"HOST": "postgres"}, {"HOST": "127.0.0.1", "PORT": "20001"}),
        ({"POSTGRES_SERVER": "postgres"}, {"POSTGRES_SERVER": "127.0.0.1", "POSTGRES_PORT": "20001"}),
        ({"DB_HOST": "postgres", "DB_PORT": "1"}, {"DB_HOST": "postgres", "DB_PORT": "1"}),
        ({"DB_HOST": "elsewhere", "DB_PORT": "5432"}, {"DB_HOST": "elsewhere", "DB_PORT": "5432"}),
    ],
)
def test_a_host_and_its_port_in_two_variables_are_an_address(
    environment: dict[str, str], expected: dict[str, str]
) -> None:
    assert rewrite_environment(environment, ADDRESSES) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("postgresql+psycopg2://u@postgres/app", "postgresql+psycopg2://u@127.0.0.1:20001/app"),
        ("kafka://backend:8000,postgres:5432/x", "kafka://127.0.0.1:20002,127.0.0.1:20001/x"),
        ("http://backend/", "http://backend/"),
    ],
)
def test_a_url_has_the_port_of_its_scheme_where_it_names_none(value: str, expected: str) -> None:
    assert rewrite_environment({"A": value}, ADDRESSES) == {"A": expected}


def test_urls_that_have_names_of_their_own_keep_them() -> None:
    targets = "backend=http://backend:8000/metrics db=http://postgres:5432/metrics"
    expected = "backend=http://127.0.0.1:20002/metrics db=http://127.0.0.1:20001/metrics"
    assert rewrite_environment({"METRICS_TARGETS": targets}, ADDRESSES) == {"METRICS_TARGETS": expected}


def test_ports_that_texts_mention_are_found() -> None:
    texts = ["redis://redis:1@redis/0", "http://example:80", "redis:6380", "redis:7"]
    assert referenced_ports(texts, ["redis", "backend"]) == {("redis", 6379), ("redis", 6380)}
