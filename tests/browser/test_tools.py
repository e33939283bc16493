"""The profile `tools`: Redis Commander and pgAdmin, signed in, show the data of this stack."""

from __future__ import annotations

import re
import secrets
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Browser, TimeoutError, expect

from browser.conftest import PICTURES
from browser.stack import Stack, wait_until
from browser.visit import Visit


def test_redis_commander_shows_a_key_of_this_stack(chromium: Browser, stack: Stack) -> None:
    key, value = f"browser-{secrets.token_hex(4)}", secrets.token_hex(8)
    assert stack.redis("SET", key, value) == b"+OK\r\n"
    with Visit.open(chromium, stack.inv("open redis-ui").strip(), pictures=PICTURES) as visit:
        tree = visit.page.locator("#keyTree")
        entry, node = tree.get_by_text(key), tree.locator(".jstree-ocl").first

        def is_listed() -> bool:
            if not entry.is_visible():
                open_node()
                visit.page.wait_for_timeout(1000)
            return entry.is_visible()

        def open_node() -> None:
            """Open the tree; on a busy machine Redis Commander serves its page before it has connected."""
            try:
                node.wait_for(timeout=5000)
            except TimeoutError:
                visit.page.reload()
            else:
                node.click()

        wait_until(is_listed, "the key is in the tree")
        entry.click()
        expect(visit.page.locator("#body")).to_contain_text(value)
        visit.picture("redis-ui")
        assert visit.strangers == []


def test_pgadmin_shows_a_table_of_this_stack(chromium: Browser, stack: Stack) -> None:
    table = f"a_browser_{secrets.token_hex(4)}"
    stack.inv(f"psql 'CREATE TABLE {table} (id int)'")
    with Visit.open(chromium, stack.inv("open pgadmin").strip(), pictures=PICTURES) as visit:
        tree = visit.page.locator("#id-object-explorer")

        servers = tree.get_by_text("Servers", exact=True).first

        def is_shown() -> bool:
            """Return whether the tree has come; on a busy machine the page may have to be loaded again."""
            try:
                servers.wait_for(timeout=20_000)
            except TimeoutError:
                visit.page.reload()
                return False
            return True

        def expand(name: str, expected: str) -> None:
            """Open a node of the tree; one that has a single child is opened with it."""
            tree.get_by_text(name, exact=True).first.dblclick()
            expect(tree.get_by_text(expected, exact=True).first).to_be_visible()

        wait_until(is_shown, "the servers are in the tree", limit_s=120)
        expand("Servers", "Databases")  # signed in: no password was asked for
        expand("Databases", "postgres")
        expand("postgres", "Schemas")
        expand("Schemas", "Tables")
        expand("Tables", table)
        visit.picture("pgadmin")
        assert visit.strangers == []


@pytest.mark.parametrize(("page", "path"), [("redis-ui", "/connections"), ("pgadmin", "/")])
def test_without_the_address_that_is_printed_nothing_is_shown(stack: Stack, page: str, path: str) -> None:
    origin = re.match(r"http://127\.0\.0\.1:\d+", stack.inv(f"open {page}"))
    assert origin
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(origin[0] + path, timeout=20)
    with refused.value as answer:
        assert answer.code == 401
