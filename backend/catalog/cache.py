"""Answers kept in Redis. Without Redis everything is slower and nothing is wrong.

A reader notes the product's version before it asks the database, and may only store its answer while that
version is still the present one; a writer moves the version on after its commit. So an answer that was
overtaken by a write is never kept. A version that could not be moved because Redis was away is moved before
this process uses Redis again; for others, `KEPT_S` bounds how long they may read the older answer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from core.near_cache import NearCache
from core.redis_client import redis_client

if TYPE_CHECKING:
    import redis

logger = logging.getLogger("shop.cache")

KEPT_S = 30
VERSION_KEPT_S = 3600
AWAY_S = 1.0
TIMEOUT_S = 0.25  # longer than this, the database is the faster one
STORE = "if redis.call('get', KEYS[2]) == ARGV[1] then redis.call('set', KEYS[1], ARGV[2], 'ex', ARGV[3]) end"
STORE_FIRST = STORE.replace("== ARGV[1]", "== false")

_reading = NearCache(TIMEOUT_S)
_lock = threading.Lock()
_missed: set[str] = set()
_away_until_s = 0.0


def product_kept(slug: str) -> bytes | None:
    """Answers the kept bytes of a product, None where none are kept or Redis does not say."""
    if not _usable():
        return None
    try:
        _catch_up()
        return _reading.near(_body_key(slug))
    except Exception as failure:
        _went_away(failure)
        return None


def product_keep(slug: str, make: Callable[[], bytes]) -> bytes:
    """Answers what `make` makes of a product, and keeps it unless a write overtakes it."""
    if not _usable():
        return make()
    try:
        version = _reading.ask("GET", _version_key(slug))
    except Exception as failure:
        _went_away(failure)
        return make()
    body = make()
    script, known = (STORE_FIRST, b"") if version is None else (STORE, version)
    try:
        _redis().eval(script, 2, _body_key(slug), _version_key(slug), known, body, KEPT_S)
    except Exception as failure:
        _went_away(failure)
    return body


def products_changed(slugs: Collection[str]) -> None:
    """Forgets products once the transaction that changes them is committed."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: _forget(set(slugs)))


def stock_changed(item_ids: Collection[int]) -> None:
    """Forgets the products that draw on these stock items, once the transaction is committed."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: _forget(_slugs_of(set(item_ids))))


def missed_forget() -> int:
    """Forgets what could not be forgotten while Redis was away; answers how many products that were."""
    count = len(_missed)
    _catch_up()
    return count


def _slugs_of(item_ids: set[int]) -> set[str]:
    from catalog.models import Product

    return set(Product.objects.filter(variants__stock_item__in=item_ids).values_list("slug", flat=True))


def _forget(slugs: set[str]) -> None:
    with _lock:
        _missed.update(slugs)
    try:
        _catch_up()
    except Exception as failure:
        _went_away(failure)


def _catch_up() -> None:
    if not _missed:
        return
    with _lock:
        slugs = set(_missed)
    pipe = _redis().pipeline(transaction=True)
    for slug in slugs:
        pipe.incr(_version_key(slug)).expire(_version_key(slug), VERSION_KEPT_S).delete(_body_key(slug))
    pipe.execute()
    _redis().ping()  # Redis sends this answer after it told every reader of the change
    with _lock:
        _missed.difference_update(slugs)


def _redis() -> redis.Redis:
    return redis_client(timeout_s=TIMEOUT_S)


def _usable() -> bool:
    return bool(settings.REDIS_URL) and time.monotonic() >= _away_until_s


def _went_away(failure: Exception) -> None:
    global _away_until_s
    if time.monotonic() >= _away_until_s + AWAY_S:
        logger.warning("Redis does not answer, reading from the database: %s", failure)
    _away_until_s = time.monotonic() + AWAY_S


def _body_key(slug: str) -> str:
    return f"shop:product:{slug}:body"


def _version_key(slug: str) -> str:
    return f"shop:product:{slug}:version"
