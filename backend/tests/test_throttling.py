"""Limits of attempts: per account and per address, with Redis and without, in the API and in the admin."""

import queue
import threading
import time
from types import SimpleNamespace

import pytest
from limits.util import WindowStats

from core import throttling
from core.throttling import Slots, TooManyRequests
from tests.shop import Person

pytestmark = pytest.mark.django_db
LOGIN, REGISTER = "/accounts/login", "/accounts/register"
PASSWORD = "correct horse 9"


@pytest.fixture(autouse=True)
def no_earlier_attempts(monkeypatch):
    monkeypatch.setattr(throttling, "_unavailable_until_s", 0.0)
    throttling._local.storage.reset()
    yield
    throttling._local.storage.reset()


@pytest.fixture(params=["with Redis", "without Redis", "with a Redis that is gone"])
def store(request, settings):
    if request.param != "without Redis":
        server = request.getfixturevalue("redis_server")
        if request.param == "with a Redis that is gone":
            server.kill()


def log_in(email="ann@example.com", password="wrong horse 9", address="192.0.2.1"):
    body = {"email": email, "password": password}
    client = Person().client
    return client.post(f"/api/v1{LOGIN}", body, content_type="application/json", REMOTE_ADDR=address)


def register(email, address):
    body = {"email": email, "password": PASSWORD}
    client = Person().client
    sent = client.post(f"/api/v1{REGISTER}", body, content_type="application/json", REMOTE_ADDR=address)
    return sent.status_code


def test_after_ten_wrong_passwords_the_right_one_is_refused_too(store):
    Person().register()
    assert {log_in().status_code for _ in range(10)} == {401}
    refused = log_in(password=PASSWORD)
    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:shop:problem:too-many-requests"
    wait_s = int(refused["Retry-After"])
    assert 0 < wait_s <= 600
    assert refused["RateLimit-Policy"] == '"login-account-address";q=10;w=600'
    assert refused["RateLimit"] == f'"login-account-address";r=0;t={wait_s}'


def test_another_address_can_still_log_in(store):
    Person().register()
    for _ in range(11):
        log_in()
    assert log_in(password=PASSWORD, address="192.0.2.2").status_code == 200


def test_an_account_is_limited_whatever_the_address(store, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-account": "3/hour"}
    answers = [log_in(address=f"192.0.2.{number}").status_code for number in range(4)]
    assert answers == [401, 401, 401, 429]


def test_an_address_is_limited_whatever_the_account(store, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-address": "3/hour"}
    answers = [log_in(email=f"user{number}@example.com").status_code for number in range(4)]
    assert answers == [401, 401, 401, 429]


def test_registrations_of_an_address_are_limited(store, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "register-address": "2/hour"}
    answers = [Person().register(email=f"user{number}@example.com").status_code for number in range(3)]
    assert answers == [202, 202, 429]


def test_all_addresses_of_an_ipv6_site_are_one_client(settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-address": "3/hour", "register-address": "3/hour"}
    site = [f"2001:db8:0:1::{number}" for number in range(1, 5)]
    emails = [f"user{number}@example.com" for number in range(4)]
    pairs = zip(emails, site, strict=True)
    assert [log_in(email, address=address).status_code for email, address in pairs] == [401, 401, 401, 429]
    assert log_in("last@example.com", address="2001:db8:0:2::1").status_code == 401
    answers = [register(email, address) for email, address in zip(emails, site, strict=True)]
    assert answers == [202, 202, 202, 429]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2::3", "2001:db8:0:1::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_a_client_is_known_by_its_address_or_its_site(address, key):
    assert throttling.client_key(address) == key


def test_a_successful_login_forgets_the_failed_ones(store):
    Person().register()
    for _ in range(3):
        assert {log_in().status_code for _ in range(9)} == {401}
        assert log_in(password=PASSWORD).status_code == 200


def test_the_admin_counts_like_the_api(store, client):
    Person().register()
    for _ in range(10):
        log_in(address="127.0.0.1")
    response = client.post("/admin/login/", {"username": "ann@example.com", "password": PASSWORD})
    assert response.status_code == 429
    assert response.json()["status"] == 429
    assert int(response["Retry-After"]) > 0


def test_the_old_password_of_the_admin_s_page_counts_like_a_login(store, admin_client):
    words = {"new_password1": "another long one 7", "new_password2": "another long one 7"}
    responses = [
        admin_client.post("/admin/password_change/", {"old_password": f"guess {number}", **words})
        for number in range(11)
    ]
    assert {response.status_code for response in responses[:10]} == {200}
    assert b"Your old password was entered incorrectly" in responses[0].content
    assert responses[10].status_code == 429


def test_a_member_of_the_staff_changes_the_password(admin_client):
    words = {"new_password1": "another long one 7", "new_password2": "another long one 7"}
    response = admin_client.post("/admin/password_change/", {"old_password": "password", **words})
    assert (response.status_code, response["Location"]) == (302, "/admin/password_change/done/")


def test_workers_count_together_through_redis(redis_server, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-address": "2/hour"}
    for _ in range(2):
        throttling.throttle("login-address", "x")
    throttling._shared.cache_clear()
    throttling._local.storage.reset()
    with pytest.raises(TooManyRequests):
        throttling.throttle("login-address", "x")


def attempt(slots, wait_s):
    """Return what came of taking a slot, None where it still waits at the deadline."""
    results = []

    def take():
        try:
            with slots.take(wait_s=wait_s):
                results.append("taken")
        except TooManyRequests:
            results.append("refused")

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    thread.join(60)
    return results[0] if results else None


def test_only_so_many_passwords_are_hashed_at_once():
    slots = Slots("test", running=1, waiting=1)
    with slots.take():
        assert attempt(slots, 0.01) == "refused"
    assert attempt(slots, 0.01) == "taken"


def test_who_may_wait_gets_the_slot_of_the_first():
    slots, results, started = Slots("test", running=1, waiting=1), [], threading.Event()

    def take():
        started.set()
        with slots.take():
            results.append("taken")

    with slots.take():
        second = threading.Thread(target=take)
        second.start()
        started.wait(5)
        time.sleep(0.05)  # so that it waits; where it does not yet, it is taken all the same
        assert not results
    second.join(60)
    assert results == ["taken"]


def test_only_so_many_wait_for_their_password_to_be_hashed():
    slots = Slots("test", running=1, waiting=0)
    with slots.take():
        assert attempt(slots, threading.TIMEOUT_MAX) == "refused"
    assert attempt(slots, threading.TIMEOUT_MAX) == "taken"


def test_of_three_that_come_while_one_is_hashed_two_may_wait():
    slots, results = Slots("test", running=1, waiting=2), queue.SimpleQueue()
    threads = [
        threading.Thread(target=lambda: results.put(attempt(slots, 60)), daemon=True) for _ in range(3)
    ]
    with slots.take():
        for thread in threads:
            thread.start()
        assert results.get(timeout=30) == "refused"
    assert [results.get(timeout=60) for _ in range(2)] == ["taken", "taken"]


@pytest.mark.parametrize("path", [LOGIN, REGISTER])
def test_a_password_is_not_hashed_without_a_slot(monkeypatch, path):
    Person().register()
    monkeypatch.setattr("accounts.backends.password_hashing", Slots("test", running=1, waiting=0))
    monkeypatch.setattr("accounts.services.password_hashing", Slots("test", running=1, waiting=0))
    from accounts import backends, services

    with backends.password_hashing.take(), services.password_hashing.take():
        response = Person().send("POST", path, {"email": "bob@example.com", "password": PASSWORD})
    assert response.status_code == 429
    assert int(response["Retry-After"]) in range(2, 11)


def test_a_crowd_that_is_refused_at_once_does_not_come_back_at_once():
    waits, slots = set(), Slots("test", running=1, waiting=0)
    with slots.take():
        for _ in range(50):
            with pytest.raises(TooManyRequests) as refused, slots.take():
                pass
            waits.add(int(refused.value.headers["Retry-After"]))
    assert len(waits) > 3
    assert min(waits) >= 2


def test_who_finds_no_slot_is_refused_before_an_attempt_is_counted(monkeypatch):
    slots = Slots("test", running=1, waiting=0)
    monkeypatch.setattr("accounts.backends.password_hashing", slots)
    monkeypatch.setattr("accounts.backends.throttle", lambda name, key: 1 / 0)
    with slots.take():
        assert log_in().status_code == 429


@pytest.mark.parametrize(("ends_in_s", "wait_s"), [(-1, 1), (0, 1), (1.5, 2), (42, 42), (599.1, 600)])
def test_who_is_refused_waits_until_the_window_ends_and_a_second_at_least(monkeypatch, ends_in_s, wait_s):
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: 1000.0))
    monkeypatch.setattr(throttling, "_ask", lambda question: question(FullWindow(1000.0 + ends_in_s)))
    with pytest.raises(TooManyRequests) as refused:
        throttling.throttle("login-address", "x")
    assert refused.value.headers["Retry-After"] == str(wait_s)
    assert refused.value.headers["RateLimit"] == f'"login-address";r=0;t={wait_s}'


class FullWindow:
    """A limiter that allows nothing more until a moment."""

    def __init__(self, end):
        self.end = end

    def hit(self, *arguments):
        return False

    def get_window_stats(self, *arguments):
        return WindowStats(reset_time=self.end, remaining=0)
