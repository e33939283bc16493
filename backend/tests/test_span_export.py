"""Spans as they leave the backend: what has failed, and what has not."""

from __future__ import annotations

from pathlib import Path

from redis import Redis

from tests.servers import RedisServer
from tests.traces import Receiver, run

LIMIT = """
from config import tracing
import django
django.setup()
provider = tracing.start("backend")
from core.redis_client import redis_client
from core.throttling import throttle
throttle("login-account", "somebody")
try:
    redis_client().execute_command("INCR", "shop.events", "no number")
except Exception as failure:
    print(type(failure).__name__)
"""


def test_a_script_that_redis_does_not_have_yet_is_no_failure(
    tmp_path: Path, receiver: Receiver, redis_server: RedisServer
) -> None:
    Redis.from_url(redis_server.url).script_flush()
    said = run(LIMIT, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, REDIS_URL=redis_server.url)
    assert said.strip() == "ResponseError"
    assert receiver.names()[:1] == ["EVALSHA"]
    assert receiver.names(failed=True) == ["INCR"]


START = """
import sys
from config import tracing
provider = tracing.start("backend")
print("requests" in sys.modules)
"""


def test_what_sends_spans_is_imported_for_the_first_of_them(tmp_path: Path, receiver: Receiver) -> None:
    assert run(START, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url).strip() == "False"
    first = f'{START}provider.get_tracer("shop").start_span("first").end()'
    run(first, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert receiver.names() == ["first"], "a process that ends at once sends it all the same"
