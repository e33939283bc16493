"""The clock is set back by an hour: every time that was written before lies in the future."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.models import AccessToken
from config.access import AccessLogger, note_begin
from core import rounds
from events.models import OutboxEvent
from orders.models import Order
from orders.services import orders_expire
from payments.deliveries import send_due_webhooks
from payments.models import Payment, Refund, SandboxCharge
from payments.services import PAUSES_OF_A_MINUTE, payments_reconcile
from tests.shop import LATE, SILENT, stock_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TIMES = {
    Order: ("created_at", "expires_at", "next_attempt_at"),
    Payment: ("created_at", "updated_at", "next_attempt_at"),
    Refund: ("created_at", "updated_at"),
    OutboxEvent: ("created_at", "next_attempt_at"),
    AccessToken: ("expires_at",),
    SandboxCharge: ("answers_at", "next_attempt_at"),
}


def set_clock_back():
    """Move what was written so far instead of the clock."""
    for model, fields in TIMES.items():
        model.objects.update(**{field: F(field) + HOUR for field in fields})


def test_a_reservation_lasts_no_longer_than_any_other(person, settings):
    number = person.order("A", 2)
    set_clock_back()
    now = timezone.now()
    assert orders_expire(now=now) == 0
    limit = timedelta(seconds=settings.RESERVATION_S)
    assert orders_expire(now=now + limit / 2) == 0
    assert (person.state_of(number), stock_of("A")) == ("pending_payment", (5, 2))
    assert orders_expire(now=now + limit) == 1
    assert (person.state_of(number), stock_of("A")) == ("expired", (5, 0))


def test_a_reservation_from_after_it_keeps_its_time(person, settings):
    person.order("A")
    Order.objects.update(expires_at=F("expires_at") + HOUR)  # by a setting that was longer then
    before = Order.objects.get().expires_at
    orders_expire()
    assert Order.objects.get().expires_at == before


def test_an_open_payment_is_settled_all_the_same(person):
    number = person.order("A")
    assert person.pay(number, SILENT).status_code == 202
    set_clock_back()
    assert payments_reconcile() == 1
    assert person.state_of(number) == "paid"


def test_what_was_written_a_moment_ago_by_another_machine_is_left_alone(person):
    person.pay(person.order("A"), SILENT)
    Payment.objects.update(updated_at=timezone.now() + timedelta(seconds=1))
    assert payments_reconcile() == 0


def test_a_payment_that_never_reached_the_provider_is_given_up_after_the_pauses_of_a_minute(person):
    person.pay(person.order("A"), SILENT)
    SandboxCharge.objects.all().delete()
    set_clock_back()
    for attempt in range(PAUSES_OF_A_MINUTE):
        assert payments_reconcile() == 0
        assert Payment.objects.get().attempts == attempt + 1
        Payment.objects.update(next_attempt_at=timezone.now())
    assert payments_reconcile() == 1
    assert Payment.objects.get().reason == "never-charged"


def test_a_payment_whose_provider_was_away_for_longer_is_given_up_at_once(person):
    person.pay(person.order("A"), SILENT)
    SandboxCharge.objects.all().delete()
    set_clock_back()
    Payment.objects.update(attempts=PAUSES_OF_A_MINUTE + 1)
    assert payments_reconcile() == 1
    assert Payment.objects.get().reason == "never-charged"


def test_the_pauses_of_a_minute_are_a_minute():
    pauses_s = [min(rounds.FIRST_PAUSE_S * 2**n, rounds.LONGEST_PAUSE_S) for n in range(PAUSES_OF_A_MINUTE)]
    assert 60 < sum(pauses_s) < 120


@pytest.mark.parametrize(("attempts", "waits_s", "is_due"), [(3, 300, False), (3, 3600, True), (0, 60, True)])
def test_a_row_waits_no_longer_than_the_longest_pause(person, attempts, waits_s, is_due):
    now = timezone.now()
    person.order("A")
    Order.objects.update(attempts=attempts, next_attempt_at=now + timedelta(seconds=waits_s))
    assert Order.objects.filter(rounds.is_due(now)).exists() is is_due


def test_the_provider_reports_by_webhook_all_the_same(person):
    number = person.order("A")
    person.pay(number, LATE)
    set_clock_back()
    assert send_due_webhooks() == 1
    assert person.state_of(number) == "paid"


@pytest.mark.parametrize("by", [-HOUR, HOUR])
def test_the_duration_of_a_request_is_not_that_of_the_clock(by):
    lines, request = [], SimpleNamespace()
    logger = AccessLogger.__new__(AccessLogger)
    logger.access_log = SimpleNamespace(info=lambda *words, extra: lines.append(extra["fields"]))
    note_begin(request)
    logger.access(SimpleNamespace(status="200 OK", headers=[]), request, {}, by)
    assert 0 <= lines[0]["duration_ms"] < 10_000


def test_an_invalid_request_was_never_begun():
    lines = []
    logger = AccessLogger.__new__(AccessLogger)
    logger.access_log = SimpleNamespace(info=lambda *words, extra: lines.append(extra["fields"]))
    response = SimpleNamespace(status="400 Bad Request", headers=[])
    logger.access(response, SimpleNamespace(), {}, timedelta(milliseconds=3))
    assert (lines[0]["status"], lines[0]["duration_ms"]) == (400, 3.0)
