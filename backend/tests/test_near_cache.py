"""Values kept in the process: old only for as long as Redis has not said so."""

import pytest
import redis

from core import near_cache
from core.near_cache import NearCache


class Server:
    """As much of Redis as client-side caching needs: one connection, and what it is told meanwhile."""

    def __init__(self):
        self.data, self.told, self.asked, self.failure = {}, [], [], None

    def make_connection(self):
        self.asked.append("connect")
        return Connection(self)


class Connection:
    def __init__(self, server):
        self.server, self._parser, self.answers = server, self, []

    def set_invalidation_push_handler(self, handler):
        self.handler = handler

    def can_read(self, timeout):
        return bool(self.server.told)

    def send_command(self, *words):
        self.server.asked.append(words[0])
        self.answers.append(self.server.data.get(words[1]) if words[0] == "GET" else b"OK")

    def read_response(self, push_request=False):
        if self.server.failure:
            failure, self.server.failure = self.server.failure, None
            raise failure
        if push_request:
            return self.handler([b"invalidate", self.server.told.pop()])
        return self.answers.pop()

    def disconnect(self):
        self.server.asked.append("disconnect")


@pytest.fixture
def server(settings, monkeypatch):
    settings.REDIS_URL = "redis://nowhere"
    server = Server()
    pool = type("Client", (), {"connection_pool": server})
    monkeypatch.setattr(near_cache, "redis_client", lambda timeout_s: pool)
    server.data[b"lamp"] = b"5 left"
    return server


@pytest.fixture
def near(server):
    near = NearCache(0.25)
    assert near.near("lamp") == b"5 left"
    assert server.asked == ["connect", "CLIENT", "GET"]
    server.asked.clear()
    return near


def test_what_was_read_is_not_asked_for_again(near, server):
    assert near.near("lamp") == b"5 left"
    assert server.asked == []


@pytest.mark.parametrize("told", [[b"lamp"], None])
def test_what_redis_calls_changed_is_read_again(near, server, told):
    server.data[b"lamp"] = b"4 left"
    server.told.append(told)
    assert near.near("lamp") == b"4 left"
    assert server.asked == ["GET"]


def test_a_change_of_something_else_changes_nothing(near, server):
    server.told.append([b"chair"])
    assert near.near("lamp") == b"5 left"
    assert server.asked == []


def test_a_redis_that_hangs_is_trusted_for_a_moment_only(near, server, monkeypatch):
    monkeypatch.setattr(near_cache.time, "monotonic", lambda: float("inf"))
    server.failure = redis.TimeoutError("no answer")
    with pytest.raises(redis.TimeoutError):
        near.near("lamp")
    assert server.asked == ["GET", "disconnect"]


def test_a_lost_connection_forgets_all_and_asks_on_a_new_one(near, server):
    server.data[b"lamp"] = b"4 left"
    server.told.append([b"chair"])
    server.failure = redis.ConnectionError("closed")
    assert near.near("lamp") == b"4 left"
    assert server.asked == ["disconnect", "connect", "CLIENT", "GET"]


def test_a_second_failure_is_told(near, server, monkeypatch):
    def closed(*_, **__):
        raise redis.ConnectionError("closed")

    monkeypatch.setattr(Connection, "can_read", closed)
    with pytest.raises(redis.ConnectionError):
        near.near("lamp")


def test_what_is_not_there_is_asked_for_every_time(near, server):
    assert near.near("chair") is None
    server.data[b"chair"] = b"1 left"
    assert near.near("chair") == b"1 left"


def test_only_so_much_is_kept(near, server, monkeypatch):
    monkeypatch.setattr(near_cache, "KEPT_AT_MOST", 1)
    server.data[b"chair"] = b"1 left"
    near.near("chair")
    server.asked.clear()
    near.near("lamp")
    assert server.asked == ["GET"]
