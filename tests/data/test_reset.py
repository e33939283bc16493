from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from data.stack import ENGINE, Stack, running
from stack.data import lock
from unprotected.protection import Cut, protected_by

PRODUCTS = "SELECT count(*) FROM catalog_product"


def change(stack: Stack) -> None:
    """Leave traces in all stores."""
    with stack.sql() as cursor:
        cursor.execute("DELETE FROM catalog_variant")
        cursor.execute("DELETE FROM catalog_product")
    stack.redis("SET trace 1")
    stack.redis("XADD shop.events * type trace")


def pids(stack: Stack) -> list[object]:
    """Return the first process of every service, as the timeline has it."""
    lines = Path(stack.state["run"], "timeline.jsonl").read_text(encoding="utf-8").splitlines()
    timeline = [json.loads(line) for line in lines]
    return [event.get("pid") for event in timeline if event.get("kind") == "process"]


def test_a_reset_brings_back_the_seeded_data_without_restarting_anything(stack: Stack) -> None:
    before = pids(stack)
    change(stack)
    stack.typed("reset-db")
    assert stack.value(PRODUCTS) == 1000
    assert stack.get("/api/v1/products?limit=1")[0] == 200
    assert pids(stack) == before


@protected_by(
    "Redis is emptied with the database",
    Cut("stack/data/journal.py", "keys.replace(redis, [], announce=begun.verb)", "pass"),
)
def test_redis_keys_of_the_old_data_are_gone_and_the_stream_begins_with_data_replaced(
    stack: Stack,
) -> None:
    change(stack)
    stack.typed("reset-db")
    assert stack.redis("EXISTS trace") == "0"
    stream = stack.redis("XRANGE shop.events - +")
    assert "data.replaced" in stream
    assert "trace" not in stream


def test_a_reset_to_an_empty_shop_and_one_with_orders(stack: Stack) -> None:
    stack.typed("reset-db", "--empty")
    assert stack.value(PRODUCTS) == 0
    stack.typed("reset-db", "--products", "30", "--orders", "7")
    assert stack.value(PRODUCTS) == 30
    assert stack.value("SELECT count(*) FROM orders_order") == 7
    first = stack.value("SELECT string_agg(slug, ' ' ORDER BY id) FROM catalog_product")
    stack.typed("reset-db", "--products", "30", "--seed", "9")
    assert stack.value("SELECT string_agg(slug, ' ' ORDER BY id) FROM catalog_product") != first
    stack.typed("reset-db")


def test_clients_see_success_or_503_and_are_well_again_afterwards(stack: Stack) -> None:
    stack.typed("reset-db")
    ended, seen = threading.Event(), Counter[int]()

    def read() -> None:
        while not ended.is_set():
            seen[stack.get("/api/v1/products?limit=5")[0]] += 1

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(3):
            stack.typed("reset-db")
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    assert set(seen) <= {200, 503}
    assert seen[200]
    assert stack.get("/api/v1/products?limit=5")[0] == 200


def test_of_two_resets_at_once_one_waits_and_both_succeed(stack: Stack) -> None:
    both = [
        subprocess.Popen(
            stack.argv("reset-db"), env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert stack.value(PRODUCTS) == 1000


@protected_by(
    "one command at a time changes the data",
    Cut("stack/data/lock.py", "if not lock.acquire():\n            say", "if False:\n            say"),
)
def test_a_reset_waits_for_the_command_that_changes_the_data(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", stack.environment["STACK_HOME"])
    number = "SELECT oid FROM pg_database WHERE datname = 'postgres'"
    before = stack.value(number)
    with ExitStack() as reset:
        with lock.exclusive(stack.name, say=print):
            words = stack.argv("reset-db")
            waiting = reset.enter_context(
                subprocess.Popen(words, env=stack.environment, stdout=subprocess.PIPE, encoding="utf-8")
            )
            assert waiting.stdout is not None
            assert "waiting for another command" in waiting.stdout.readline()
            assert stack.value(number) == before
        assert waiting.wait(120) == 0
    assert stack.value(number) != before


def test_a_reset_of_a_database_in_a_file_is_seen_by_the_services_that_have_it_open(file_stack: Stack) -> None:
    before = pids(file_stack)
    count = "/api/v1/products?limit=1"
    file_stack.typed("reset-db", "--empty")
    assert file_stack.get(count)[1]["items"] == []
    file_stack.typed("reset-db")
    assert len(file_stack.get(count)[1]["items"]) == 1
    assert "data.replaced" in file_stack.redis("XRANGE shop.events - +")
    assert pids(file_stack) == before


@pytest.mark.parametrize("words", [("--products", "-5"), ("--orders", "-1"), ("--products", "2000000")])
def test_sizes_that_make_no_sense_are_a_sentence(stack: Stack, words: tuple[str, ...]) -> None:
    before = stack.value("SELECT oid FROM pg_database WHERE datname = 'postgres'")
    done = stack.inv("reset-db", *words)
    assert done.code != 0
    assert "Traceback" not in done.output
    assert stack.value("SELECT oid FROM pg_database WHERE datname = 'postgres'") == before


def test_a_reset_needs_no_service_but_postgres(stack: Stack) -> None:
    others = ("worker", "api-gateway", "backend", "redis")
    for service in others:
        stack.typed("stop", service)
    try:
        stack.typed("reset-db", "--products", "40", "--orders", "3")
        assert stack.value(PRODUCTS) == 40
    finally:
        for service in reversed(others):
            stack.typed("start", service)
    assert stack.get("/api/v1/products?limit=1")[0] == 200
    stack.typed("reset-db")


def test_a_stack_that_was_started_with_postgres_alone_can_be_reset(home: Path) -> None:
    with running(home / "alone", "local", "--service", "postgres") as alone:
        if ENGINE == "local":
            alone.typed("reset-db")
            assert alone.value(PRODUCTS) == 1000
        else:  # the backend's image may not be there
            done = alone.inv("reset-db")
            assert (done.code, "was started without backend" in done.output) == (31, True), done.output
