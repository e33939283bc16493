"""The crowd tests of integration_tests/, against several workers (CRASHES_LONG=1: in their long form)."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from crashes.books import Books
from crashes.conftest import LONG, SEED
from crashes.web import Web
from stack.environments import virtualenv
from stack.system import programs
from stack.system.directories import ROOT
from unprotected.protection import Cut, protected_by

STOCK = "backend/catalog/stock.py"
IDEMPOTENCY = "backend/core/idempotency.py"

TESTS = ROOT / "integration_tests"
DEADLINE_S = 3600.0 if LONG else 600.0


@protected_by(
    "stock is reserved on a condition",
    Cut(STOCK, ', on_hand__gte=F("reserved") + wanted)', ")"),
)
@protected_by(
    "the lock of the key",
    Cut(IDEMPOTENCY, 'try_advisory_lock(f"{scope}:{key}")', "nullcontext(True)"),
)
@pytest.mark.usefixtures("worker")
def test_crowds_before_several_workers_get_exactly_what_is_there(
    plain: Web, books: Books, counted: Counter[str]
) -> None:
    python = virtualenv.sync(TESTS).python
    chosen = {"BACKEND_URL": f"http://127.0.0.1:{plain.port}", "TEST_SEED": SEED, "SHOP_LONG": "01"[LONG]}
    inherited = {name: value for name, value in os.environ.items() if name != "STACK_NAME"}
    done = programs.run(
        [python, "-m", "pytest", "-p", "no:cacheprovider", "--durations=0", TESTS / "test_shop_crowds.py"],
        cwd=ROOT,
        env={**inherited, **chosen},
        timeout_s=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    books.settle()
    books.agree()
    ((orders,),) = books.rows("SELECT count(*) FROM orders_order")
    counted["orders in the shop's database"] = orders
