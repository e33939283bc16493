"""Limits of how often something may be done, shared by all workers through Redis.

Without Redis each process counts for itself: there is always a limit. The counting is that of the library
`limits`; the response fields are those of draft-ietf-httpapi-ratelimit-headers.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import TypeVar

import redis
from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from core import metrics
from core.problems import Problem
from core.redis_client import redis_client

logger = logging.getLogger("shop.throttling")

TIMEOUT_S = 0.25
RETRY_AFTER_S = 1.0
HASH_WAIT_S = 5.0
BUSY_RETRY_S = (2, 10)
"""Between these at random: a crowd that is refused at once does not come back at once."""
IPV6_SITE_BITS = 64
"""The addresses of one IPv6 client: a site has at least a /64 (RFC 6177)."""
T = TypeVar("T")

_local = MovingWindowRateLimiter(MemoryStorage())
_unavailable_until_s = 0.0


class TooManyRequests(Problem):
    """The caller has to wait before the next attempt."""

    status, kind = 429, "too-many-requests"


def throttle(name: str, key: str) -> None:
    """Count one attempt of `key` under the limit `name` of RATE_LIMITS. Raises: TooManyRequests."""
    item = _item(name)
    if not _ask(lambda limiter: limiter.hit(item, name, key)):
        _refuse(name, item, key)


def client_key(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_SITE_BITS), strict=False))
    return str(parsed)


def throttle_reset(name: str, key: str) -> None:
    """Forget the attempts of `key`."""
    item = _item(name)
    _ask(lambda limiter: limiter.clear(item, name, key))


def _refuse(name: str, item: RateLimitItem, key: str) -> None:
    metrics.THROTTLED.labels(name).inc()
    stats = _ask(lambda limiter: limiter.get_window_stats(item, name, key))
    wait_s = max(1, math.ceil(stats.reset_time - time.time()))
    error = TooManyRequests(f"Too many attempts: try again in {wait_s} s.")
    error.headers = {
        "Retry-After": str(wait_s),
        "RateLimit-Policy": f'"{name}";q={item.amount};w={item.get_expiry()}',
        "RateLimit": f'"{name}";r={stats.remaining};t={wait_s}',
    }
    raise error


def _item(name: str) -> RateLimitItem:
    return parse(settings.RATE_LIMITS[name])


def _ask(question: Callable[[MovingWindowRateLimiter], T]) -> T:
    global _unavailable_until_s
    if settings.REDIS_URL and time.monotonic() >= _unavailable_until_s:
        try:
            return question(_shared(settings.REDIS_URL))
        except redis.RedisError as failure:
            _unavailable_until_s = time.monotonic() + RETRY_AFTER_S
            metrics.CIRCUIT_OPENED.labels("limits").inc()
            logger.warning("Redis does not answer, each process counts attempts for itself: %s", failure)
    return question(_local)


@lru_cache(maxsize=4)
def _shared(url: str) -> MovingWindowRateLimiter:
    pool = redis_client(timeout_s=TIMEOUT_S).connection_pool
    return MovingWindowRateLimiter(RedisStorage(url, connection_pool=pool, key_prefix="shop:limits"))


class Slots:
    """Bound how many threads do something costly at once, and how many wait for it."""

    def __init__(self, name: str, *, running: int, waiting: int) -> None:
        self._in_use = metrics.SLOTS_IN_USE.labels(name)
        self._refused = metrics.SLOTS_REFUSED.labels(name)
        self._running = threading.BoundedSemaphore(running)
        self._present = threading.BoundedSemaphore(running + waiting)

    @contextmanager
    def take(self, *, wait_s: float = HASH_WAIT_S) -> Iterator[None]:
        """Hold a slot. Raises: TooManyRequests where too many wait already, or for too long."""
        if not self._present.acquire(blocking=False):
            self._refused.inc()
            raise _busy()
        try:
            if not self._running.acquire(timeout=wait_s):
                self._refused.inc()
                raise _busy()
            self._in_use.inc()
            try:
                yield
            finally:
                self._in_use.dec()
                self._running.release()
        finally:
            self._present.release()


def _busy() -> TooManyRequests:
    wait_s = random.randint(*BUSY_RETRY_S)
    error = TooManyRequests(f"Too many people log in at this moment: try again in {wait_s} s.")
    error.headers = {"Retry-After": str(wait_s)}
    return error


password_hashing = Slots("password-hashing", running=1, waiting=1)
"""Hashing a password takes tenths of a second of a processor: the other threads stay free for the shop."""
