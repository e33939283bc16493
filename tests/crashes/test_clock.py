"""The machine's clock is set back and forward while the shop runs: Postgres, Redis, Gunicorn, its worker.

They run under libfaketime, which reads from a file by how much their clock is wrong. As with a real clock,
what measures durations (CLOCK_MONOTONIC) goes on.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import libfaketime
import pytest

from crashes import scratch
from crashes import shop as shops
from crashes.books import PLENTY, Books
from crashes.customers import SILENT, Customer, Response, ask, key
from crashes.inside.points import Fault
from crashes.processes import until
from crashes.shop import Shop
from unprotected.protection import Cut, protected_by

LIBRARY = Path(libfaketime.__file__).parent / "vendor/libfaketime/src/libfaketime.so.1"
ORDERS = "backend/orders/services.py"
PAYMENTS = "backend/payments/services.py"
ACCESS = "backend/config/access.py"
HOUR_S = 3600
RESERVATION_S = 8
LATE_S = 60.0
"""So much later than it should, a busy worker may do something: far less than the hour of the clock."""
DELIVERIES = "payments.deliveries:send_due_webhooks"
"""Muted: the worker has to ask the provider itself."""
PAUSE = Fault(action="pause=1.5", when="before", place="payments.sandbox:Sandbox.charge")


class Clock:
    """The clock of the shop's machine."""

    def __init__(self, folder: Path) -> None:
        self._file, self._library = folder / "clock", folder / LIBRARY.name
        shutil.copy(LIBRARY, self._library)  # where every account can read it
        self.set_wrong_by(0)

    def set_wrong_by(self, seconds: int) -> None:
        """Set the clock forward, or back where the seconds are negative."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n", encoding="ascii")
        fresh.chmod(0o644)
        fresh.replace(self._file)

    def environment(self) -> dict[str, str]:
        """Return what makes a process have this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    with scratch.folder() as folder:
        yield Clock(folder)


@pytest.fixture(scope="module")
def running_shop(clock: Clock) -> Iterator[tuple[Shop, Books]]:
    """A shop whose clock can be set wrong, with short reservations."""
    extra = {**clock.environment(), "RESERVATION_S": str(RESERVATION_S), "LOG_LEVEL": "INFO"}
    with shops.running_shop(extra) as pair:
        yield pair


@pytest.fixture(autouse=True)
def working(shop: Shop, clock: Clock) -> Iterator[None]:
    """Let the worker work, and set the clock right afterwards."""
    shop.start_worker(mute=DELIVERIES)
    yield
    shop.worker.end()
    clock.set_wrong_by(0)


def shop_time(books: Books) -> float:
    """Return what the shop's clock says."""
    ((now_s,),) = books.rows("SELECT extract(epoch FROM clock_timestamp())::float8")
    return float(now_s)


def ends_after(books: Books, number: str, began_s: float) -> float:
    """Wait until a reservation has ended; return how many seconds after ``began_s`` that was."""
    until(lambda: books.state(number) == "expired", f"{number} expires", within_s=RESERVATION_S + LATE_S)
    return time.monotonic() - began_s


def log_in(shop: Shop, email: str) -> str:
    """Register and log in; return the token."""
    account = {"email": email, "password": "correct horse 9"}
    assert Customer(port=shop.web.port).send("POST", "/accounts/register", account).status == 202
    answer = Customer(port=shop.web.port).send("POST", "/accounts/login", account)
    assert answer.status == 200, answer.body
    return str(answer.json["token"])


def me(shop: Shop, token: str) -> Response:
    """Ask who the token's owner is."""
    return ask(shop.web.port, "GET", "/api/v1/accounts/me", None, {"Authorization": f"Bearer {token}"})


def durations_ms(shop: Shop) -> list[float]:
    """Return the durations of the requests so far, from Gunicorn's access log."""
    lines = shop.web.program.log.read_text(errors="replace").splitlines()
    fields = [json.loads(line) for line in lines if line.startswith("{")]
    return [line["duration_ms"] for line in fields if "duration_ms" in line]


@pytest.mark.parametrize("wrong_by_s", [-HOUR_S, HOUR_S])
def test_the_clock_of_all_processes_is_set(books: Books, clock: Clock, wrong_by_s: int) -> None:
    clock.set_wrong_by(wrong_by_s)
    assert shop_time(books) - time.time() == pytest.approx(wrong_by_s, abs=LATE_S)
    assert books.helper.ask("now") - time.time() == pytest.approx(wrong_by_s, abs=LATE_S)


@protected_by(
    "reservations from the future are shortened",
    Cut(ORDERS, "    _end_reservations_in_time(now)\n", ""),
)
def test_a_reservation_ends_in_time_when_the_clock_is_set_back(
    shop: Shop, books: Books, sku: str, clock: Clock
) -> None:
    began_s = time.monotonic()
    before = shop.customer().order(sku)
    clock.set_wrong_by(-HOUR_S)
    back_s = time.monotonic()
    after = shop.customer().order(sku)
    assert ends_after(books, after, back_s) > RESERVATION_S - 1
    assert ends_after(books, before, began_s) > RESERVATION_S - 1
    assert books.stock(sku) == (PLENTY, 0)
    books.agree()


def test_a_clock_that_is_set_forward_ends_what_is_over_and_nothing_else(
    shop: Shop, books: Books, sku: str, clock: Clock
) -> None:
    before = shop.customer().order(sku)
    clock.set_wrong_by(HOUR_S)
    forward_s = time.monotonic()
    after = shop.customer().order(sku)
    ends_after(books, before, forward_s)
    assert ends_after(books, after, forward_s) > RESERVATION_S - 1
    assert books.stock(sku) == (PLENTY, 0)
    books.agree()


@protected_by(
    "payments from the future are stale, too",
    Cut(PAYMENTS, " | Q(updated_at__gt=now + STALE_AFTER)", ""),
    cases=["-3600-states0"],
)
@pytest.mark.parametrize(("wrong_by_s", "states"), [(-HOUR_S, {"paid"}), (HOUR_S, {"paid", "expired"})])
def test_payments_are_settled_and_events_relayed(
    shop: Shop, books: Books, sku: str, clock: Clock, wrong_by_s: int, states: set[str]
) -> None:
    """A clock that is set forward ends the reservation, too: settling and expiring come in either order."""
    customer = shop.customer()
    number = customer.order(sku)
    assert customer.pay(number, key(), SILENT).status == 202
    clock.set_wrong_by(wrong_by_s)
    books.settle()
    paid = shop.customer()
    other = paid.order(sku)
    assert paid.pay(other, key()).status == 201
    assert paid.end(other, "refund").status == 200
    waiting = "SELECT count(*) FROM events_outboxevent WHERE relayed_at IS NULL"
    until(lambda: books.rows(waiting) == [(0,)], "every event is relayed")
    assert books.state(number) in states
    assert books.state(other) == "refunded"
    books.agree()


@pytest.mark.parametrize("wrong_by_s", [-HOUR_S, HOUR_S])
def test_who_is_logged_in_stays_so_and_others_can_log_in(shop: Shop, clock: Clock, wrong_by_s: int) -> None:
    token = log_in(shop, f"before{wrong_by_s}@example.com")
    clock.set_wrong_by(wrong_by_s)
    assert me(shop, token).status == 200
    assert me(shop, log_in(shop, f"after{wrong_by_s}@example.com")).status == 200


@protected_by(
    "durations are measured, not told by the clock",
    Cut(ACCESS, "time.monotonic() - began_s", "request_time.total_seconds()"),
)
def test_no_request_takes_less_than_no_time(shop: Shop, books: Books, sku: str, clock: Clock) -> None:
    customer = shop.customer()
    number = customer.order(sku)
    answers: list[int] = []
    paying = threading.Thread(target=lambda: answers.append(customer.pay(number, key(), fault=PAUSE).status))
    earlier = len(durations_ms(shop))
    paying.start()
    until(lambda: shop.has_reached(PAUSE), "the payment is on its way to the provider")
    clock.set_wrong_by(-HOUR_S)
    paying.join()
    assert answers == [201]
    until(lambda: len(durations_ms(shop)) > earlier, "the payment is in the access log")
    assert 0 <= min(durations_ms(shop)) <= max(durations_ms(shop)) < HOUR_S * 1000 / 2
    books.agree()
