from __future__ import annotations

import pytest

from stack.plan.addresses import referenced_ports, rewrite_names, rewrite_paths

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
def test_a_service_that_speaks_of_itself_gets_its_own_host_port(host: str) -> None:
    assert rewrite_names(f"http://{host}:8000/", ADDRESSES, own="backend") == "http://127.0.0.1:20002/"
    assert rewrite_names(f"{host}:5432", ADDRESSES, own="backend") == f"{host}:5432"


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


def test_the_ports_that_texts_speak_of_are_found() -> None:
    texts = ["redis://redis:6379/0", "http://example:80", "redis:6380"]
    assert referenced_ports(texts, ["redis", "backend"]) == {("redis", 6379), ("redis", 6380)}
