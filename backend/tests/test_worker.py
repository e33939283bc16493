"""The outbox and the worker."""

import pytest

from core import redis_client
from events import services
from events.models import OutboxEvent
from events.services import event_record, events_relay
from operations.worker import Job, Worker

pytestmark = pytest.mark.django_db(transaction=True)  # a round, and readiness, look after connections


class Stream:
    """A Redis of one stream that can be told to fail."""

    def __init__(self):
        self.entries, self.waiting, self.failing = [], [], False

    def pipeline(self, transaction):
        return self

    def exists(self, name):
        if self.failing:
            raise ConnectionError("redis is gone")
        return int(bool(self.entries))

    def xadd(self, name, fields, *, nomkstream, **options):
        self.waiting.append((name, fields, nomkstream))

    def execute(self):
        waiting, self.waiting = self.waiting, []
        if self.failing:
            raise ConnectionError("redis is gone")
        return [self._added(*entry) for entry in waiting]

    def _added(self, name, fields, nomkstream):
        if nomkstream and not self.entries:
            return None
        self.entries.append((name, fields))
        return b"1-0"


@pytest.fixture
def stream(settings, monkeypatch) -> Stream:
    settings.REDIS_URL = "redis://nowhere"
    stream = Stream()
    monkeypatch.setattr(services, "redis_client", lambda: stream)
    return stream


def record(count):
    return [str(event_record(type="t", aggregate="a", payload={"n": n}).event_id) for n in range(count)]


def test_events_are_relayed_once_and_in_order(stream):
    ids = record(450)
    assert events_relay() == 450
    assert events_relay() == 0
    assert [fields["event_id"] for _, fields in stream.entries] == ids
    assert stream.entries[0][0] == "shop.events"


def test_nothing_is_lost_while_redis_is_gone(stream):
    ids = record(3)
    stream.failing = True
    worker = Worker(jobs=(Job(name="relay", run=events_relay),))
    assert worker.run_round() == 0
    assert OutboxEvent.objects.filter(relayed_at=None).count() == 3
    stream.failing = False
    assert worker.run_round() == 3
    assert [fields["event_id"] for _, fields in stream.entries] == ids


def event_ids(stream):
    return [fields["event_id"] for _, fields in stream.entries]


def test_events_are_sent_again_in_order_to_a_redis_that_came_back_empty(stream):
    ids = record(3)
    events_relay()
    stream.entries.clear()
    ids += record(1)
    assert events_relay() == 4
    assert event_ids(stream) == ids


def test_as_many_events_are_sent_again_to_an_empty_redis_as_the_stream_holds(stream, settings):
    settings.EVENT_STREAM_LENGTH = 2
    ids = record(3)
    events_relay()
    stream.entries.clear()
    assert (events_relay(), events_relay()) == (2, 0)
    assert event_ids(stream) == ids[1:]


def test_events_are_sent_again_when_the_stream_vanishes_before_sending(stream, monkeypatch):
    ids = record(2)
    events_relay()
    stream.entries.clear()
    ids += record(1)
    with monkeypatch.context() as patch:
        patch.setattr(stream, "exists", lambda name: 1)
        assert events_relay() == 0
    assert stream.entries == []
    assert events_relay() == 3
    assert event_ids(stream) == ids


def test_a_crash_after_sending_sends_the_same_id_again(stream, monkeypatch):
    (identity,) = record(1)
    with monkeypatch.context() as patch:
        patch.setattr(services.timezone, "now", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            events_relay()
    events_relay()
    assert [fields["event_id"] for _, fields in stream.entries] == [identity, identity]


def test_a_failing_job_does_not_keep_others_from_running(caplog):
    ran = []

    def fail():
        raise RuntimeError("broken")

    worker = Worker(jobs=(Job(name="fail", run=fail), Job(name="work", run=lambda: ran.append(1) or 1)))
    assert (worker.run_round(), worker.run_round()) == (1, 1)
    assert len(ran) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "Could not fail, will try again: RuntimeError: broken"
    ]


def test_rare_jobs_run_rarely():
    ran = []
    worker = Worker(jobs=(Job(name="rare", run=lambda: ran.append(1) or 0, every=3),))
    for _ in range(7):
        worker.run_round()
    assert len(ran) == 3


def test_a_worker_that_is_told_to_stop_ends():
    worker = Worker(jobs=())
    worker.stop()
    worker.run(pause_s=60)
    assert worker.stopping.is_set()


def test_one_url_has_one_client(settings):
    settings.REDIS_URL = "redis://localhost:1/0"
    assert redis_client.redis_client() is redis_client.redis_client()


def test_a_round_leaves_a_heartbeat(tmp_path) -> None:
    heartbeat = tmp_path / "heartbeat"
    Worker(jobs=(), heartbeat=heartbeat).run_round()
    assert heartbeat.exists()


def test_a_round_of_the_shops_own_worker_ends_reservations_and_settles_payments() -> None:
    from datetime import timedelta

    from django.utils import timezone

    from orders.models import Order
    from payments.models import Payment
    from tests.shop import SILENT, Person, stock_of, variant_make

    variant_make("A", units=5)
    person = Person()
    forgotten, silent = person.order("A"), person.order("A")
    person.pay(silent, SILENT)
    past = timezone.now() - timedelta(hours=1)
    Order.objects.filter(number=forgotten).update(expires_at=past)
    Payment.objects.update(updated_at=past)
    Worker().run_round()
    assert (person.state_of(forgotten), person.state_of(silent)) == ("expired", "paid")
    assert stock_of("A") == (4, 0)
