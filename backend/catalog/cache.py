"""Products cached in Redis. Without Redis everything is slower and nothing is wrong.

A reader notes the product's version before it asks the database, and stores the body only while the version
is the same; a writer increments the version after its commit. So a body that a write overtook is never
cached. An invalidation that failed because Redis was away is repeated before this process uses Redis again;
for other processes, `TTL_S` bounds how long they may read the older body.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from config import tracing
from core import metrics
from core.redis_client import redis_client

if TYPE_CHECKING:
    import redis

logger = logging.getLogger("shop.cache")

TTL_S = 30
CATALOGUE_VERSION = "shop:catalogue:version"
NO_PRODUCT = ""
VERSION_TTL_S = 3600
RETRY_AFTER_S = 1.0
TIMEOUT_S = 0.25  # longer than this, the database is the faster one
STORE = "if redis.call('get', KEYS[2]) == ARGV[1] then redis.call('set', KEYS[1], ARGV[2], 'ex', ARGV[3]) end"
STORE_FIRST = STORE.replace("== ARGV[1]", "== false")

_lock = threading.Lock()
_pending: set[str] = set()
_unavailable_until_s = 0.0


def get_product(slug: str) -> bytes | None:
    """Return the cached body of a product, None where there is none or Redis does not answer."""
    body, result = None, "unavailable"
    if _is_available():
        try:
            _invalidate_pending()
            body = _redis().get(_body_key(slug))
            result = "miss" if body is None else "hit"
        except Exception as failure:
            _mark_unavailable(failure)
    metrics.CACHE_READS.labels("product", result).inc()
    return body


def load_product(slug: str, read: Callable[[], bytes]) -> bytes:
    """Return what `read` reads of a product, and cache it unless a write overtakes it."""
    if not _is_available():
        return read()
    try:
        version = _redis().get(_version_key(slug))
    except Exception as failure:
        _mark_unavailable(failure)
        return read()
    body = read()
    script, known = (STORE_FIRST, b"") if version is None else (STORE, version)
    try:
        _redis().eval(script, 2, _body_key(slug), _version_key(slug), known, body, TTL_S)
    except Exception as failure:
        _mark_unavailable(failure)
    return body


def load_catalogue(name: str, read: Callable[[], bytes]) -> bytes:
    """Return what `read` reads of the catalogue, cached under `name` until any product or stock changes."""
    key = None
    try:
        if _is_available():
            _invalidate_pending()
            version = (_redis().get(CATALOGUE_VERSION) or b"0").decode()
            key = f"shop:catalogue:{version}:{name}"
            if (cached := _redis().get(key)) is not None:
                metrics.CACHE_READS.labels("catalogue", "hit").inc()
                return cached
    except Exception as failure:
        _mark_unavailable(failure)
        key = None
    metrics.CACHE_READS.labels("catalogue", "unavailable" if key is None else "miss").inc()
    body = read()
    try:
        if key is not None:
            _redis().set(key, body, ex=TTL_S)
    except Exception as failure:
        _mark_unavailable(failure)
    return body


def invalidate_products(slugs: Collection[str]) -> None:
    """Invalidate products once the transaction that changes them is committed."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: _invalidate(set(slugs)))


def invalidate_catalogue() -> None:
    """Invalidate what is cached of the catalogue as a whole: no product's own body changes."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: _invalidate({NO_PRODUCT}))


def invalidate_stock(item_ids: Collection[int]) -> None:
    """Invalidate the products that draw on these stock items, once the transaction is committed."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: _invalidate(_slugs_of(set(item_ids))))


def flush_pending_invalidations() -> int:
    """Repeat the invalidations that failed while Redis was away; return how many products they were."""
    count = len(_pending)
    if count:
        with tracing.recorded("invalidate cached products"):
            _invalidate_pending()
    return count


def _slugs_of(item_ids: set[int]) -> set[str]:
    from catalog.models import Product

    return set(Product.objects.filter(variants__stock_item__in=item_ids).values_list("slug", flat=True))


def _invalidate(slugs: set[str]) -> None:
    with _lock:
        _pending.update(slugs)
    try:
        _invalidate_pending()
    except Exception as failure:
        _mark_unavailable(failure)


def _invalidate_pending() -> None:
    if not _pending:
        return
    with _lock:
        slugs = set(_pending)
    pipe = _redis().pipeline(transaction=True)
    pipe.incr(CATALOGUE_VERSION)
    for slug in slugs - {NO_PRODUCT}:
        pipe.incr(_version_key(slug)).expire(_version_key(slug), VERSION_TTL_S).delete(_body_key(slug))
    pipe.execute()
    with _lock:
        _pending.difference_update(slugs)


def _redis() -> redis.Redis:
    return redis_client(timeout_s=TIMEOUT_S)


def _is_available() -> bool:
    return bool(settings.REDIS_URL) and time.monotonic() >= _unavailable_until_s


def _mark_unavailable(failure: Exception) -> None:
    global _unavailable_until_s
    if time.monotonic() >= _unavailable_until_s + RETRY_AFTER_S:
        logger.warning("Redis does not answer, reading from the database: %s", failure)
    _unavailable_until_s = time.monotonic() + RETRY_AFTER_S
    metrics.CIRCUIT_OPENED.labels("cache").inc()


def _body_key(slug: str) -> str:
    return f"shop:product:{slug}:body"


def _version_key(slug: str) -> str:
    return f"shop:product:{slug}:version"
