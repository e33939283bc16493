"""Clients of Redis: one for each timeout, shared, and patient once."""

import socket
import threading
from contextlib import suppress

import pytest
import redis

from core import redis_client


def test_a_redis_that_closes_connections_is_asked_twice_and_not_for_longer():
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up():
            with suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    asked.append(connection)
                    connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        client = redis_client._make_client(f"redis://127.0.0.1:{server.getsockname()[1]}/0", 1.0)
        with pytest.raises(redis.ConnectionError):
            client.get("x")
    assert len(asked) == 2


def test_a_client_is_shared_until_all_are_closed(redis_server):
    first = redis_client.redis_client()
    assert redis_client.redis_client() is first
    assert redis_client.redis_client(timeout_s=0.5) is not first
    redis_client.close_clients()
    assert redis_client.redis_client() is not first


def test_all_clients_are_closed(redis_server, monkeypatch):
    clients = [redis_client.redis_client(), redis_client.redis_client(timeout_s=0.5)]
    closed = []
    for client in clients:
        monkeypatch.setattr(client, "close", lambda client=client: closed.append(client))
    redis_client.close_clients()
    assert closed == clients
