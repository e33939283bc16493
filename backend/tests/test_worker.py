"""The outbox, relayed to a real Redis, and the worker."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from core import redis_client, rounds
from core.models import IdempotentResponse
from events import relay
from events.models import OutboxEvent
from events.relay import events_relay
from events.services import event_record
from operations.worker import Job, Worker, pause_after
from orders.models import Order, OrderState
from tests.shop import Person, variant_make

pytestmark = pytest.mark.django_db(transaction=True)  # a round, and readiness, look after connections
STREAM = "shop.events"
TOO_LARGE = "x" * 1_100_000


@pytest.fixture
def stream(redis_server):
    """The event ids that the stream holds, in order."""

    def read():
        entries = redis_client.redis_client().xrange(STREAM)
        return [fields[b"event_id"].decode() for _, fields in entries]

    return read


@pytest.fixture
def narrow_redis(redis_server):
    """A Redis that accepts no value of more than a megabyte."""
    with configured(redis_server, "proto-max-bulk-len", "1048576"):
        yield redis_server


@contextmanager
def configured(server, name, value):
    with redis.Redis.from_url(server.url) as client:
        before = client.config_get(name)[name]
        client.config_set(name, value)
        try:
            yield
        finally:
            client.config_set(name, before)


def record(count, *, aggregate="a", **payload):
    events = [event_record(type="t", aggregate=aggregate, payload=payload) for _ in range(count)]
    return [str(event.event_id) for event in events]


def test_events_are_relayed_once_and_in_order(stream):
    ids = record(450)
    assert (events_relay(), events_relay()) == (450, 0)
    assert stream() == ids


def test_the_worker_itself_ends_reservations_relays_events_and_purges(stream):
    variant_make("A")
    person = Person()
    order = Order.objects.filter(number=person.order("A"))
    order.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = IdempotentResponse.objects.order_by("-id")[:1]
    IdempotentResponse.objects.filter(pk__in=answer.values("pk")).update(
        created_at=timezone.now() - timedelta(days=2)
    )
    Worker().run_round()
    assert order.get().state == OrderState.EXPIRED
    assert not IdempotentResponse.objects.exists()
    assert len(stream()) == 2


def test_nothing_is_lost_while_redis_is_gone(redis_server, stream):
    ids = record(3)
    redis_server.kill()
    worker = Worker(jobs=(Job(name="relay", run=events_relay),))
    assert worker.run_round() == 0
    assert OutboxEvent.objects.filter(relayed_at=None, attempts=0).count() == 3
    redis_server.start()
    assert worker.run_round() == 3
    assert stream() == ids


def test_a_redis_that_hangs_is_waited_for_no_longer_than_its_timeout(redis_server, stream):
    ids = record(1)
    with redis_server.hanging(), pytest.raises(redis.TimeoutError):
        events_relay()
    assert OutboxEvent.objects.get().attempts == 0
    assert events_relay() == 1
    assert stream() == ids


def test_events_are_sent_again_in_order_to_a_redis_that_came_back_empty(redis_server, stream):
    ids = record(3)
    events_relay()
    redis_server.kill()
    ids += record(1)
    redis_server.start()
    assert events_relay() == 4
    assert stream() == ids


def test_as_many_events_are_sent_again_to_an_empty_redis_as_the_stream_holds(redis_server, stream, settings):
    settings.EVENT_STREAM_LENGTH = 2
    ids = record(3)
    events_relay()
    redis_server.flush()
    assert (events_relay(), events_relay()) == (2, 0)
    assert stream() == ids[1:]


def test_events_are_sent_again_when_the_stream_vanishes_before_sending(redis_server, stream, monkeypatch):
    ids = record(2)
    events_relay()
    ids += record(1)
    waiting = relay._waiting

    def flush_first():
        redis_server.flush()
        return waiting()

    with monkeypatch.context() as patch:
        patch.setattr(relay, "_waiting", flush_first)
        assert events_relay() == 0
    assert stream() == []
    assert events_relay() == 3
    assert stream() == ids


def test_a_crash_after_sending_sends_the_same_id_again(stream, monkeypatch):
    (identity,) = record(1)
    with monkeypatch.context() as patch:
        patch.setattr(relay, "_mark_sent", lambda events: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            events_relay()
    events_relay()
    assert stream() == [identity, identity]


def test_events_that_redis_refuses_do_not_starve_the_next_one(narrow_redis, stream, monkeypatch):
    monkeypatch.setattr(relay, "BATCH", 5)
    monkeypatch.setattr(rounds, "FIRST_PAUSE_S", 600)
    for number in range(5):
        record(1, aggregate=f"hopeless-{number}", text=TOO_LARGE)
    ids = record(2)
    with pytest.raises(redis.RedisError):
        events_relay()
    assert stream() == ids
    assert events_relay() == 0  # those that were refused wait
    assert set(OutboxEvent.objects.filter(relayed_at=None).values_list("attempts", flat=True)) == {1}


def test_later_events_of_an_aggregate_wait_for_the_one_that_was_refused(narrow_redis, stream, monkeypatch):
    monkeypatch.setattr(rounds, "FIRST_PAUSE_S", 600)
    ids = record(1) + record(1, text=TOO_LARGE) + record(2)
    others = record(1, aggregate="b")
    with pytest.raises(redis.RedisError):
        events_relay()
    ids += record(1)
    assert events_relay() == 0
    assert list(dict.fromkeys(stream())) == ids[:1] + others
    with configured(narrow_redis, "proto-max-bulk-len", str(512 * 1024 * 1024)):
        OutboxEvent.objects.filter(attempts=1).update(next_attempt_at="2000-01-01T00:00Z")
        assert events_relay() == 4
    assert list(dict.fromkeys(stream())) == ids[:1] + others + ids[1:]
    assert not OutboxEvent.objects.exclude(attempts=0).exists()


def test_no_event_is_blamed_for_a_redis_that_is_full(redis_server, stream):
    ids = record(3)
    with configured(redis_server, "maxmemory", "1"), pytest.raises(redis.exceptions.OutOfMemoryError):
        events_relay()
    assert OutboxEvent.objects.filter(attempts=0).count() == 3
    assert events_relay() == 3
    assert stream() == ids


def test_the_stream_grows_no_longer_than_its_limit(redis_server, stream, settings):
    settings.EVENT_STREAM_LENGTH = 10
    ids = record(50)
    with configured(redis_server, "stream-node-max-entries", "1"):  # Redis removes whole nodes
        events_relay()
    assert stream() == ids[-10:]


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
    seconds = iter(range(7))
    rare = Job(name="rare", run=lambda: ran.append(1) or 0, every_s=3)
    worker = Worker(jobs=(rare,), clock=lambda: next(seconds))
    for _ in range(7):
        worker.run_round()
    assert len(ran) == 3


@pytest.mark.parametrize(
    ("quiet_s", "pause_s", "expected_s"), [(0, 0.2, 0.2), (9.9, 0.2, 0.2), (10, 0.2, 1), (10, 5, 5)]
)
def test_a_worker_that_finds_nothing_for_a_while_asks_less_often(quiet_s, pause_s, expected_s):
    assert pause_after(quiet_s, pause_s=pause_s) == expected_s


def test_a_worker_that_found_something_asks_often_again():
    seconds, pauses, results = iter(range(0, 1000, 3)), [], [0, 0, 0, 1, 0, 0]
    worker = Worker(jobs=(Job(name="work", run=lambda: results.pop(0)),), clock=lambda: next(seconds))

    class Pauses(threading.Event):
        def wait(self, timeout=None):
            pauses.append(timeout)
            if len(results) == 0:
                self.set()
            return self.is_set()

    worker.stopping = Pauses()
    worker.run(pause_s=0.2)
    assert pauses == [0.2, 1, 1, 0.2, 1]


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


def test_a_stream_that_vanishes_between_two_batches_is_written_again_from_the_start(
    redis_server, stream, monkeypatch
):
    monkeypatch.setattr(relay, "BATCH", 2)
    ids = record(4)
    mark_sent = relay._mark_sent

    def mark_and_flush(events):
        mark_sent(events)
        redis_server.flush()

    with monkeypatch.context() as patch:
        patch.setattr(relay, "_mark_sent", mark_and_flush)
        assert events_relay() == 2
    assert events_relay() == 4
    assert stream() == ids
